"""The daily tables of quality as assets, with their checks."""

import dagster as dg

from gtm_platform.lake.dagster.daily_assets import daily_assets, tables_of
from gtm_platform.lake.dagster.table_checks import day_checks
from gtm_platform.quality.checks import CHECKS
from gtm_platform.quality.source_checks import source_checks, watch_tables

TABLES = tables_of("gtm_platform.quality")


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    checks = [*day_checks(TABLES, CHECKS), source_checks()]
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=checks, sensors=[watch_tables])
