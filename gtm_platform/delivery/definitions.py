"""What this room gives to the front door."""

import dagster as dg

from gtm_platform.delivery.assets import slack_alerts
from gtm_platform.delivery.hubspot.assets import HUBSPOT_ASSETS
from gtm_platform.delivery.sensors import deliver, when_a_run_fails


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=[*HUBSPOT_ASSETS, slack_alerts], jobs=[deliver], sensors=[when_a_run_fails])
