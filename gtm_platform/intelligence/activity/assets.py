"""The daily tables of activity as assets, with their checks."""

import dagster as dg

from gtm_platform.intelligence.activity.checks import CHECKS, beside_outcomes
from gtm_platform.lake.dagster.daily_assets import daily_assets, tables_of
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = tables_of("gtm_platform.intelligence.activity")


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=[*day_checks(TABLES, CHECKS), beside_outcomes])
