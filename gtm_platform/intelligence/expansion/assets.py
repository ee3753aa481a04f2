"""The daily table of expansion opportunities as an asset, with its check."""

import dagster as dg

from gtm_platform.lake.dagster.daily_assets import daily_assets, tables_of
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = tables_of("gtm_platform.intelligence.expansion")


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=day_checks(TABLES))
