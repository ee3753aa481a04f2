"""The daily tables of quality as assets, with their checks."""

import dagster as dg

from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks
from gtm_platform.quality import customer_quality, mrr_differences
from gtm_platform.quality.checks import CHECKS

TABLES = (mrr_differences.TABLE, customer_quality.TABLE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=day_checks(TABLES, CHECKS))
