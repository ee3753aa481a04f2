"""The sources as assets: each that is discovered and scheduled brings its assets, checks, job and schedule.

Those that are asked on demand, because they cost money, are assets of `enrichment`.
"""

from collections.abc import Callable

import dagster as dg

from gtm_platform.ingest.assets import definitions_of
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.plan import SyncRules

SOURCES = discover_sources()
SCHEDULED = tuple(source for source in SOURCES if source.is_scheduled)
ON_DEMAND = tuple(source for source in SOURCES if not source.is_scheduled)


def defs(rules: Callable[[], SyncRules]) -> dg.Definitions:
    """Return what this room adds to the graph; a run asks for the rules when it begins."""
    return dg.Definitions.merge(*(definitions_of(source, rules) for source in SCHEDULED))
