"""The daily tables and the model of churn as assets, with their checks, and the schedule of the month."""

import dagster as dg

from gtm_platform.intelligence.churn.model import JOB, churn_model, churn_model_checks, churn_model_schedule
from gtm_platform.lake.dagster.daily_assets import daily_assets, tables_of
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = tables_of("gtm_platform.intelligence.churn")


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(
        assets=[*daily_assets(TABLES), churn_model],
        asset_checks=[*day_checks(TABLES), churn_model_checks],
        jobs=[JOB],
        schedules=[churn_model_schedule],
    )
