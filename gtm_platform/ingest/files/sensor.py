"""The sensor that notices dropped files, and requests the sync that picks them up.

It opens no file: looking through a large one takes longer than a tick may.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg

from gtm_platform.ingest.assets import windows
from gtm_platform.ingest.files.folder import FileFolder
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.ingest.source import Source
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.orchestration.origin import PARTITION_TAG, UNFINISHED
from gtm_platform.settings import settings

TICK_SECONDS = 30
Seen = dict[str, list[int]]  # of a file that lies in a folder: its size, and when it last changed


def pick_up_files(sources: Sequence[Source], jobs: Sequence[AssetJob]) -> dg.SensorDefinition:
    """Define the sensor, given the sources that take files and their jobs."""
    of_name = {source.name: source for source in sources}
    folders = {name: folder for name, source in of_name.items() if (folder := folder_of(source))}

    @dg.sensor(
        name="pick_up_files",
        jobs=list(jobs),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Reads files that were dropped into the folder drop/<source> of the home, once they are complete.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before: Mapping[str, Seen] = json.loads(context.cursor or "{}")
        now = {name: _seen(folder.states()) for name, folder in folders.items()}
        requests = [
            request
            for name, folder in folders.items()
            if not of_name[name].off() and not _is_busy(context.instance, name)
            for request in _requests(folder, before.get(name, {}), now[name])
        ]
        cursor = json.dumps({name: seen for name, seen in now.items() if seen})
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=cursor)
        waiting = sum(map(len, now.values()))
        reason = f"{waiting} files are being written, or are being read" if waiting else "no file was dropped"
        return dg.SensorResult(skip_reason=reason, cursor=cursor)

    return sensor


def _seen(states: Mapping[str, tuple[int, int]]) -> Seen:
    return {name: list(state) for name, state in states.items()}


def _requests(folder: FileFolder, before: Seen, now: Seen) -> Iterator[dg.RunRequest]:
    """Request a sync for what lies in the folder as it lay at the last tick, or was picked up and never read."""
    complete = {name: state for name, state in now.items() if before.get(name) == state}
    if complete:
        yield _request(folder, settings().now() - timedelta(hours=folder.hours), json.dumps(complete, sort_keys=True))
    elif unread := folder.unread():
        yield _request(folder, min(file.as_of for file in unread), str([file.id for file in unread]))


def _request(folder: FileFolder, moment: datetime, about: str) -> dg.RunRequest:
    """Request the window that holds a moment; once an hour at most, where a run left the same files unread."""
    key = hashlib.sha256(f"{about} {settings().now():%Y-%m-%dT%H}".encode()).hexdigest()[:16]
    window = folder.window_start(moment).strftime(windows(folder.hours).fmt)
    return dg.RunRequest(
        run_key=f"{folder.source}:{key}", job_name=f"sync_{folder.source}", tags={PARTITION_TAG: window}
    )


def _is_busy(instance: dg.DagsterInstance, source: str) -> bool:
    """Whether a run of the source is queued or at work; it may read the files by itself."""
    return bool(instance.get_runs(dg.RunsFilter(job_name=f"sync_{source}", statuses=UNFINISHED), limit=1))
