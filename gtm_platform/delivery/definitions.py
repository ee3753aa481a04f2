"""What this room gives to the front door."""

import dagster as dg

from gtm_platform.delivery.assets import CHECKS, DELIVERIES
from gtm_platform.delivery.health_backtest import JOB, health_backtest, health_backtest_schedule
from gtm_platform.delivery.hubspot.truth import SWEEP, compare_hubspot_hourly
from gtm_platform.delivery.sensors import deliver


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(
        assets=[*DELIVERIES, health_backtest],
        asset_checks=CHECKS,
        jobs=[deliver, SWEEP, JOB],
        schedules=[health_backtest_schedule, compare_hubspot_hourly],
    )
