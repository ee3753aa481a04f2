"""The front door: one Definitions, merged from the rooms and people's own extensions, and automated."""

import gc
from functools import cache

# ruff: noqa: E402
gc.disable()  # nothing that is imported is garbage, and to look for some takes a fifth of the time

import dagster as dg

from gtm_platform.automation import ops_notifications
from gtm_platform.automation.definitions import automated
from gtm_platform.cohorts import assets as cohorts
from gtm_platform.core import assets as core
from gtm_platform.delivery import definitions as delivery
from gtm_platform.enrichment import assets as enrichment
from gtm_platform.extensions.merging import extended
from gtm_platform.health import assets as health
from gtm_platform.identity import assets as identity
from gtm_platform.intelligence.activity import assets as activity
from gtm_platform.intelligence.churn import assets as churn
from gtm_platform.intelligence.competition import assets as competition
from gtm_platform.intelligence.effect import assets as effect
from gtm_platform.intelligence.expansion import assets as expansion
from gtm_platform.intelligence.forecasts import assets as forecasts
from gtm_platform.intelligence.icp import assets as icp
from gtm_platform.intelligence.leads import assets as leads
from gtm_platform.intelligence.movements import assets as movements
from gtm_platform.lake.dagster import resource as lake
from gtm_platform.market import assets as market
from gtm_platform.orchestration import liveness
from gtm_platform.privacy import assets as privacy
from gtm_platform.quality import assets as quality
from gtm_platform.reports import assets as reports
from gtm_platform.serving import assets as serving
from gtm_platform.sources import assets as sources
from gtm_platform.sync_rules import sync_rules
from gtm_platform.unified import assets as unified

INTELLIGENCE = (churn, movements, forecasts, expansion, leads, icp, effect, competition, activity)
DAILY_ROOMS = (identity, core, market, health, cohorts, quality, unified, *INTELLIGENCE)
ROOMS = (lake, liveness, *DAILY_ROOMS, serving, reports, delivery, privacy, ops_notifications)

DAILY_TABLES = [table for room in DAILY_ROOMS for table in room.TABLES]


@cache
def platform() -> dg.Definitions:
    """Merge the rooms. Dagster allows a module one Definitions, so this is a function."""
    return dg.Definitions.merge(
        sources.defs(sync_rules),
        enrichment.defs(sync_rules),
        *(room.defs() for room in ROOMS),
        dg.Definitions(executor=dg.in_process_executor),
    )


defs = automated(extended(platform(), automated))

# A run makes thousands of events that live a moment. To look through all that was imported for garbage again and again
# takes a tenth of its time.
gc.freeze()
gc.set_threshold(10_000)
gc.enable()
