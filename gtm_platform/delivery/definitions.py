"""What this room gives to the front door."""

import dagster as dg

from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.assets import hubspot_contacts
from gtm_platform.delivery.sensors import deliver


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=[hubspot_contacts, slack_alerts], jobs=[deliver])
