"""The daily tables of core as assets, with their checks."""

import dagster as dg

from gtm_platform.core import (
    activity,
    call_tone,
    calls,
    message_tone,
    pipeline,
    profile,
    revenue,
    subscriptions,
    support,
)
from gtm_platform.core.checks import CHECKS
from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = (
    subscriptions.TABLE,
    revenue.TABLE,
    activity.TABLE,
    message_tone.TABLE,
    support.TABLE,
    call_tone.TABLE,
    calls.TABLE,
    pipeline.TABLE,
    profile.TABLE,
)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=day_checks(TABLES, CHECKS))
