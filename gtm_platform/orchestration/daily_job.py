"""The job of all daily tables."""

import dagster as dg

from gtm_platform.orchestration.graph_policy import DAILY_TAG

daily_tables = dg.define_asset_job(
    "daily_tables",
    selection=dg.AssetSelection.tag(DAILY_TAG, ""),
    description="Who is who, the domains, health and the wide tables, for a day or a range of days.",
)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(jobs=[daily_tables])
