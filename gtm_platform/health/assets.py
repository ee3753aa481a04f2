"""The daily tables of health as assets, with their checks."""

import dagster as dg

from gtm_platform.health import customer_health, published_scores, rules, score_changes
from gtm_platform.health.checks import CHECKS
from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = (rules.TABLE, customer_health.TABLE, published_scores.TABLE, score_changes.TABLE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=day_checks(TABLES, CHECKS))
