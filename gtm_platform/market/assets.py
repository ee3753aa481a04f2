"""The daily tables of the market as assets."""

import dagster as dg

from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks
from gtm_platform.market import (
    competitors,
    firmographics,
    partner_overlaps,
    partners,
    provider_accuracy,
    signals,
    web_traffic,
)

TABLES = (
    signals.TABLE,
    competitors.TABLE,
    partner_overlaps.TABLE,
    partners.TABLE,
    firmographics.TABLE,
    provider_accuracy.TABLE,
    web_traffic.TABLE,
)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES, group="market"), asset_checks=day_checks(TABLES))
