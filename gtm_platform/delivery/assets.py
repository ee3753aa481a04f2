"""All deliveries as assets: those to HubSpot, one for each object type, the alerts in Slack, webhooks
to others, and what is done for customers at risk.

`automation` requests them, or a person. What a delivery does belongs to its own package.
"""

from gtm_platform.delivery.actions.asset import actions
from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.alerts.precision import alert_precision
from gtm_platform.delivery.hotpath.comparing import hot_companies_were_right, hot_path_was_right
from gtm_platform.delivery.hubspot.assets import HUBSPOT_ASSETS, HUBSPOT_CHECKS
from gtm_platform.delivery.hubspot.truth import TRUTH_CHECKS, hubspot_truth
from gtm_platform.delivery.hubspot.writes_table import hubspot_writes
from gtm_platform.delivery.triggers.asset import webhooks

[hubspot_contacts] = [asset for asset in HUBSPOT_ASSETS if asset.key.path[-1] == "hubspot_contacts"]

DELIVERIES = (*HUBSPOT_ASSETS, hubspot_truth, hubspot_writes, slack_alerts, alert_precision, webhooks, actions)
CHECKS = (*HUBSPOT_CHECKS, *TRUTH_CHECKS, hot_path_was_right, hot_companies_were_right)
