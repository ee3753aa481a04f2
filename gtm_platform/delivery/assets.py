"""All deliveries as assets: those to HubSpot, one for each object type, and the alerts in Slack.

`automation` requests them, or a person. What a delivery does belongs to its own package.
"""

from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.alerts.precision import alert_precision
from gtm_platform.delivery.hubspot.assets import HUBSPOT_ASSETS

[hubspot_contacts] = [asset for asset in HUBSPOT_ASSETS if asset.key.path[-1] == "hubspot_contacts"]

DELIVERIES = (*HUBSPOT_ASSETS, slack_alerts, alert_precision)
