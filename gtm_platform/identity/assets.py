"""The daily tables of identity as assets."""

import dagster as dg

from gtm_platform.identity import companies, former_records, links, people
from gtm_platform.lake.dagster.daily_assets import daily_assets

TABLES = (links.TABLE, companies.TABLE, people.TABLE, former_records.TABLE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES))
