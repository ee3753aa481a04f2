"""The daily tables of unified as assets, with their checks."""

import dagster as dg

from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks
from gtm_platform.unified import companies, customers
from gtm_platform.unified.checks import CHECKS

TABLES = (customers.TABLE, companies.TABLE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES, group="unified"), asset_checks=day_checks(TABLES, CHECKS))
