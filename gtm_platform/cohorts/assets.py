"""The daily tables of cohorts as assets, with their checks."""

import dagster as dg

from gtm_platform.cohorts import company_accounts, company_cohorts, transitions, validation_errors
from gtm_platform.cohorts.checks import CHECKS
from gtm_platform.lake.dagster.daily_assets import daily_assets
from gtm_platform.lake.dagster.table_checks import day_checks

TABLES = (company_accounts.TABLE, company_cohorts.TABLE, transitions.TABLE, validation_errors.TABLE)


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=daily_assets(TABLES), asset_checks=day_checks(TABLES, CHECKS))
