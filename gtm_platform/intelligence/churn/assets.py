"""The daily tables and the model of churn as assets, with their checks, and the schedule of the month."""

import dagster as dg

from gtm_platform.intelligence.churn.model import DEFINITIONS
from gtm_platform.lake.dagster.daily_assets import daily_assets, tables_of
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = tables_of("gtm_platform.intelligence.churn")


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(
        assets=[*daily_assets(TABLES), DEFINITIONS.asset],
        asset_checks=[*day_checks(TABLES), DEFINITIONS.checks],
        jobs=[DEFINITIONS.job],
        schedules=[DEFINITIONS.schedule],
    )
