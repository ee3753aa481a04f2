"""The daily tables of unified as assets."""

import dagster as dg

from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.unified import customers

TABLES = (customers.TABLE,)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES, group="unified"))
