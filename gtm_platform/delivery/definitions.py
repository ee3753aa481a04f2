"""What this room gives to the front door."""

import dagster as dg

from gtm_platform.delivery.assets import CHECKS, DELIVERIES
from gtm_platform.delivery.canaries.asset import JOB as CANARIES
from gtm_platform.delivery.canaries.asset import canaries, live_canaries_hourly, seen_in_time
from gtm_platform.delivery.health_backtest import JOB, health_backtest, health_backtest_schedule
from gtm_platform.delivery.hubspot.policy_names import refuse_unknown_names, sources_read
from gtm_platform.delivery.hubspot.truth import SWEEP, compare_hubspot_hourly
from gtm_platform.delivery.sensors import deliver
from gtm_platform.policy import policy


def defs() -> dg.Definitions:
    """Return what this room adds to the graph; a name in the policy that means nothing is refused."""
    refuse_unknown_names(policy(), sources_read())
    return dg.Definitions(
        assets=[*DELIVERIES, health_backtest, canaries],
        asset_checks=[*CHECKS, seen_in_time],
        jobs=[deliver, SWEEP, JOB, CANARIES],
        schedules=[health_backtest_schedule, compare_hubspot_hourly, live_canaries_hourly],
    )
