"""The daily tables of quality as assets, with their checks."""

import dagster as dg

from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks
from gtm_platform.quality import anomalies, customer_quality, daily_metrics, mrr_differences
from gtm_platform.quality.checks import CHECKS
from gtm_platform.quality.source_checks import source_checks, watch_tables

OF_CUSTOMERS = (mrr_differences.TABLE, customer_quality.TABLE)
OF_TABLES = (daily_metrics.TABLE, anomalies.TABLE)
TABLES = (*OF_CUSTOMERS, *OF_TABLES)
MONITORING = "monitoring"  # a group that reads all other tables, those made of quality's among them


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    assets = [*daily_assets(OF_CUSTOMERS), *daily_assets(OF_TABLES, MONITORING)]
    checks = [*day_checks(TABLES, CHECKS), source_checks()]
    return dg.Definitions(assets=assets, asset_checks=checks, sensors=[watch_tables])
