"""The front door: one Definitions, merged from the rooms and people's own extensions, and automated."""

from functools import cache

import dagster as dg

from gtm_platform.automation import ops_notifications
from gtm_platform.automation.definitions import automated
from gtm_platform.core import assets as core
from gtm_platform.delivery import definitions as delivery
from gtm_platform.extensions.location import sync_rules
from gtm_platform.extensions.merging import extended
from gtm_platform.health import assets as health
from gtm_platform.identity import assets as identity
from gtm_platform.lake.dagster import resource as lake
from gtm_platform.orchestration import liveness
from gtm_platform.quality import assets as quality
from gtm_platform.reports import assets as reports
from gtm_platform.serving import assets as serving
from gtm_platform.sources import assets as sources
from gtm_platform.unified import assets as unified

ROOMS = (lake, liveness, identity, core, health, quality, unified, serving, reports, delivery, ops_notifications)

DAILY_TABLES = [table for room in (identity, core, health, quality, unified) for table in room.TABLES]


@cache
def platform() -> dg.Definitions:
    """Merge the rooms. Dagster allows a module one Definitions, so this is a function."""
    return dg.Definitions.merge(
        sources.defs(sync_rules), *(room.defs() for room in ROOMS), dg.Definitions(executor=dg.in_process_executor)
    )


defs = automated(extended(platform(), automated))
