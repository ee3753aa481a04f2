"""The sources as assets: each that is discovered brings its assets, checks, job and schedule."""

from collections.abc import Callable

import dagster as dg

from gtm_platform.ingest.assets import definitions_of
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.plan import SyncRules

SOURCES = discover_sources()


def defs(rules: Callable[[], SyncRules]) -> dg.Definitions:
    """Return what this room adds to the graph; a run asks for the rules when it begins."""
    return dg.Definitions.merge(*(definitions_of(source, rules) for source in SOURCES))
