"""The daily tables of identity as assets, with their checks."""

import dagster as dg

from gtm_platform.identity import companies, former_records, links, people, review
from gtm_platform.identity.checks import CHECKS
from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = (links.TABLE, companies.TABLE, people.TABLE, former_records.TABLE, review.TABLE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=day_checks(TABLES, CHECKS))
