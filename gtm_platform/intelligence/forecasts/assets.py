"""The daily tables of forecasts as assets, with their checks."""

import dagster as dg

from gtm_platform.intelligence.forecasts.checks import pipeline_beside_naive, revenue_beside_naive
from gtm_platform.lake.dagster.daily_assets import daily_assets, tables_of
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = tables_of("gtm_platform.intelligence.forecasts")


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    checks = [*day_checks(TABLES), revenue_beside_naive, pipeline_beside_naive]
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=checks)
