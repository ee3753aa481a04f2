"""Pruning Dagster's history: old runs of which nothing would be missed. Nothing of the lake or the state is touched.

Dagster deletes a run together with the materialisations that it logged. So a run goes only when it is old and each
partition that it made was made again since, or when it made none: deliveries, failures, ticks that found nothing.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from gtm_platform.orchestration.compat import run_folders
from gtm_platform.orchestration.origin import UNFINISHED

PAGE = 500  # runs read at a time


@dataclass(frozen=True)
class Tidied:
    """How many old runs there were, and how many of them went."""

    old: int
    deleted: int
    freed: int  # bytes

    def sentence(self, days: int, *, dry_run: bool) -> str:
        """Say what was done, or would be."""
        would = "would be" if dry_run else "were"
        return (
            f"{self.old} runs are older than {days} days; {self.deleted} {would} deleted ({self.freed / 1e6:.1f} MB), "
            f"{self.old - self.deleted} hold the newest materialisation of a partition and stay."
        )


def tidy(instance: dg.DagsterInstance, now: datetime, days: int, *, dry_run: bool) -> Tidied:
    """Delete the runs that ended more than so many days ago and are not needed, with their logs."""
    old = deleted = freed = 0
    for run in list(_old_runs(instance, now - timedelta(days=days))):
        old += 1
        if _is_needed(instance, run.run_id):
            continue
        folders = run_folders(instance, run.run_id)
        deleted, freed = deleted + 1, freed + sum(map(_size, folders))
        if not dry_run:
            instance.delete_run(run.run_id)
            for folder in folders:
                _remove(folder)
    return Tidied(old, deleted, freed)


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[dg.DagsterRun]:
    cursor = None
    while page := instance.get_runs(dg.RunsFilter(updated_before=before), cursor=cursor, limit=PAGE):
        yield from (run for run in page if run.status not in UNFINISHED)
        cursor = page[-1].run_id


def _is_needed(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run made a partition that no run has made again since."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        if made := entry.asset_materialization:
            partitions = [made.partition] if made.partition else None
            newest = instance.fetch_materializations(
                dg.AssetRecordsFilter(made.asset_key, asset_partitions=partitions), limit=1
            )
            if any(record.run_id == run_id for record in newest.records):
                return True
    return False


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
