"""What to ask an API for, so that some windows of a stream come up to date: pure, from what the lake already holds.

How the answer becomes the rows of windows stands in `merge`; who asks and writes, in `stream_sync`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg

from gtm_platform.ingest.source import BEGINNING, Stream, Window
from gtm_platform.lake.lake import File

LimitShareOf = Callable[[str], float]  # of a system: how much of its rate limits may be used
CreditCapOf = Callable[[str], Decimal | None]  # of a system: how many of its credits a month may cost, None for any

AHEAD = timedelta(seconds=5)  # a system tells whole seconds, by a clock of its own: what it says of now may be ahead
BEFORE_FIRST_SYNC = "before the first sync; an API cannot be asked about a past day."
NOT_NEWEST = (
    "only the newest window can be taken whole: an API cannot be asked what a record looked like on a past day."
)


def _all_of_it(_system: str) -> float:
    return 1.0


def _any_number(_system: str) -> Decimal | None:
    return None


@dataclass(frozen=True)
class SyncRules:
    """The rules of syncing that a person may change; whoever assembles the graph passes them in."""

    full_every_days: int  # a full refresh finds deletions
    max_shrinkage: float  # a full refresh that lost more than this share of its records is refused …
    shrinkage_min_records: int  # … unless fewer records than this are gone and some are left
    schema_change_days: int = 14  # a field that is otherwise than before is warned of for so long
    limit_share: LimitShareOf = _all_of_it
    credit_cap: CreditCapOf = _any_number


@dataclass(frozen=True)
class PartitionWindow:
    """A window of the table, and its partition key."""

    key: str
    start: datetime
    end: datetime

    def is_open_at(self, now: datetime) -> bool:
        """Whether more can still change in it."""
        return self.start <= now < self.end


@dataclass(frozen=True)
class Plan:
    """The request that brings the windows up to date, or the reason why none is needed.

    `snapshot` is the key of the window whose file will be the whole of the stream.
    """

    request: Window | None
    snapshot: str | None = None
    reason: str = ""


def partition_windows(windows: dg.TimeWindowPartitionsDefinition, keys: Sequence[str]) -> list[PartitionWindow]:
    """Return the windows of these partitions."""
    spans = [(key, windows.time_window_for_partition_key(key)) for key in keys]
    return [PartitionWindow(key, span.start.astimezone(UTC), span.end.astimezone(UTC)) for key, span in spans]


def plan_request(
    stream: Stream,
    windows: Sequence[PartitionWindow],
    files: Sequence[File],
    now: datetime,
    rules: SyncRules,
    full_refresh: bool = False,
    *,
    is_read_again: bool = True,
) -> Plan:
    """Plan one request for adjacent windows, which covers those that were missed before them.

    An API cannot be asked what a record looked like on a past day, so the whole of a stream is only ever taken for the
    window that closed last, apart from the first of an append-only stream, whose past does not change. A window that is
    still open is read until now, and never begins a stream: its file says nothing of what is still to come. `files` are
    those of windows that were read to their end.
    """
    first, last = windows[0], windows[-1]
    newest = last.end <= now < last.end + 2 * (last.end - last.start)
    is_open = is_read_again and last.is_open_at(now)
    whole = Window(BEGINNING, now if is_open else last.end, full=True)
    end = min(now + AHEAD, last.end) if is_open else last.end
    if full_refresh and not newest:
        return Plan(None, reason=NOT_NEWEST)
    if stream.sync_mode == "full_refresh" and is_open and is_synced_by(files, last):
        return Plan(whole)  # what is missing from it counts as deleted once the window is over
    if stream.sync_mode == "full_refresh":
        return Plan(whole, last.key) if newest else Plan(None, reason=BEFORE_FIRST_SYNC)
    if stream.sync_mode == "append_only" and is_open and not is_synced_by(files, first):
        return Plan(Window(BEGINNING, end)) if stream.is_kept_here else Plan(None, reason=BEFORE_FIRST_SYNC)
    if stream.sync_mode == "append_only" and not _full_before(files, first):
        return Plan(whole, first.key)
    if stream.sync_mode == "append_only" and full_refresh:
        return Plan(whole)  # what the API no longer has stays: no file takes the place of those before it
    if stream.sync_mode == "incremental" and newest and (full_refresh or _full_is_due(files, last, rules)):
        return Plan(whole, last.key)
    if not is_synced_by(files, first):
        return Plan(None, reason=BEFORE_FIRST_SYNC)
    ends = [opening(file.partition) + (first.end - first.start) for file in files if file.partition < first.key]
    return Plan(Window(min([first.start, *ends[-1:]]) - stream.lookback, end))


def is_synced_by(files: Sequence[File], window: PartitionWindow) -> bool:
    """Whether the stream was taken whole before the window, or in it."""
    return any(file.full and file.partition <= window.key for file in files)


def covered_windows(files: Sequence[File], windows: Sequence[PartitionWindow], keys: Sequence[str]) -> list[str]:
    """List the partition keys that were missed and that a sync of these windows brings along."""
    first, last = windows[0].key, windows[-1].key
    synced = max((file.partition for file in files if file.partition < first), default=None)
    chosen = {window.key for window in windows}
    return [key for key in keys if synced is not None and synced < key < last and key not in chosen]


def opening(partition: str) -> datetime:
    """Return the instant at which the window of a partition key begins."""
    day, _, time = partition.partition("T")
    return datetime.fromisoformat(f"{day}T{time or '0000'}+0000")


def _full_before(files: Sequence[File], window: PartitionWindow) -> bool:
    return any(file.full and file.partition < window.key for file in files)


def _full_is_due(files: Sequence[File], window: PartitionWindow, rules: SyncRules) -> bool:
    """Whether the last full refresh is too old, or was of this very window."""
    full = [file.partition for file in files if file.full and file.partition <= window.key]
    if not full or full[-1] == window.key:
        return True
    return window.start - opening(full[-1]) >= timedelta(days=rules.full_every_days)
