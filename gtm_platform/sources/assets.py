"""The sources as assets: each that is discovered brings its assets, checks, job and schedule; one sensor all files."""

from collections.abc import Callable

import dagster as dg

from gtm_platform.ingest.assets import definitions_of
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.files.sensor import pick_up_files
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.ingest.plan import SyncRules
from gtm_platform.orchestration.compat import AssetJob

SOURCES = discover_sources()


def defs(rules: Callable[[], SyncRules]) -> dg.Definitions:
    """Return what this room adds to the graph; a run asks for the rules when it begins."""
    built = [definitions_of(source, rules) for source in SOURCES]
    with_files = [source for source in SOURCES if folder_of(source)]
    names = {f"sync_{source.name}" for source in with_files}
    jobs = [job for each in built for job in each.jobs or () if isinstance(job, AssetJob) and job.name in names]
    files = dg.Definitions(sensors=[pick_up_files(with_files, jobs)])
    return dg.Definitions.merge(*built, files)
