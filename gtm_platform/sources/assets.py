"""The sources as assets: each that is discovered and scheduled brings its assets, checks, job and schedule; one sensor
picks up all files. Those that are asked on demand, because they cost money, are assets of `enrichment`.
"""

from collections.abc import Callable

import dagster as dg

from gtm_platform.ingest.assets import definitions_of
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.files.sensor import pick_up_files
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.ingest.plan import SyncRules
from gtm_platform.orchestration.compat import AssetJob

SOURCES = discover_sources()
SCHEDULED = tuple(source for source in SOURCES if source.is_scheduled)
ON_DEMAND = tuple(source for source in SOURCES if not source.is_scheduled)


def defs(rules: Callable[[], SyncRules]) -> dg.Definitions:
    """Return what this room adds to the graph; a run asks for the rules when it begins."""
    built = [definitions_of(source, rules) for source in SCHEDULED]
    with_files = [source for source in SCHEDULED if folder_of(source)]
    names = {f"sync_{source.name}" for source in with_files}
    jobs = [job for each in built for job in each.jobs or () if isinstance(job, AssetJob) and job.name in names]
    files = dg.Definitions(sensors=[pick_up_files(with_files, jobs)])
    return dg.Definitions.merge(*built, files)
