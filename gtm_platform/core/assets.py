"""The daily tables of core as assets."""

import dagster as dg

from gtm_platform.core import activity, pipeline, profile, revenue, support
from gtm_platform.lake.dagster.daily_assets import daily_assets

TABLES = (revenue.TABLE, activity.TABLE, support.TABLE, pipeline.TABLE, profile.TABLE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES))
