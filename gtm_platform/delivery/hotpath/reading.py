"""The open window of a source, read for the hot path into a folder of its own beside the lake.

The lake's own windows are left to the runs of the source: two writers of a window would be in each other's way.
"""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gtm_platform.accounts import require_own_account
from gtm_platform.delivery.hotpath.lakes import KnownBy
from gtm_platform.http.rate_limit import LimitShare
from gtm_platform.ingest.assets import open_window, windows
from gtm_platform.ingest.credits import CreditAllowance
from gtm_platform.ingest.plan import SyncRules, partition_windows
from gtm_platform.ingest.source import Source, Stream
from gtm_platform.ingest.stream_sync import StreamSync
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings

ALL_STAMPS = "9" * 24
KEPT_SECONDS = 2 * 24 * 3600  # a window is over after a day, and the lake has it to its end


def own_folder() -> Path:
    """Return where open windows lie that only the hot path has read."""
    return settings().home / "hot"


def readable(source: Source, streams: Collection[str], lake: Lake) -> list[Stream]:
    """Return those of some streams whose open window can be read: begun, and not only shown whole."""
    return [
        stream
        for stream in source.streams
        if stream.name in streams
        and stream.sync_mode != "full_refresh"
        and (stream.is_kept_here or lake.last_full(source.table(stream)) is not None)
    ]


def read_open_window(
    source: Source, streams: Sequence[Stream], lake: Lake, rules: SyncRules, now: datetime, run_id: str
) -> None:
    """Read what is new in the open window of some streams; the first time, all of it."""
    overlap = timedelta(seconds=policy().hooks.hot.overlap_seconds)
    current = KnownBy(own_folder(), lake, ALL_STAMPS)
    window = partition_windows(windows(source.hours), [open_window(source.hours, now)])
    share = LimitShare(rules.limit_share(source.name))
    with source.open(share, CreditAllowance(rules.credit_cap(source.name), run_id)) as client:
        if account := source.account(client):
            require_own_account(account)
        for each in streams:
            stream = source.stream_for(client, each)
            if isinstance(stream, Stream):
                StreamSync(current, source, stream, rules, now, run_id, overlap=overlap).report(client, window)


def sweep_own_files() -> None:
    """Delete open windows that the lake has had for long."""
    for path in own_folder().rglob("*.parquet"):
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)


def is_taken_over(lake: Lake, table: str, until: str, by: str) -> bool:
    """Whether what the hot path had read of a table by a stamp is in the lake's own files of another."""
    own = {file.partition: file.stamp for file in Lake(own_folder()).versions(table) if file.stamp <= until}
    taken = {
        file.partition: file.stamp
        for file in sorted(lake.versions(table))
        if file.stamp <= by and (not file.is_open or file.stamp > own.get(file.partition, ""))
    }
    return own.keys() <= taken.keys()
