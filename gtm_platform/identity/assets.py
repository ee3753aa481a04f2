"""The daily tables of identity as assets."""

import dagster as dg

from gtm_platform.identity import companies, links, people
from gtm_platform.lake.dagster.daily_assets import daily_assets

TABLES = (links.TABLE, companies.TABLE, people.TABLE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES))
