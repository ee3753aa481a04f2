"""What this room gives to the front door."""

import dagster as dg

from gtm_platform.delivery.assets import DELIVERIES
from gtm_platform.delivery.health_backtest import JOB, health_backtest, health_backtest_schedule
from gtm_platform.delivery.sensors import deliver


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(
        assets=[*DELIVERIES, health_backtest], jobs=[deliver, JOB], schedules=[health_backtest_schedule]
    )
