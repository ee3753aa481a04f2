"""The daily tables of health as assets."""

import dagster as dg

from gtm_platform.health import customer_health
from gtm_platform.lake.dagster.daily_assets import daily_assets

TABLES = (customer_health.TABLE,)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES))
