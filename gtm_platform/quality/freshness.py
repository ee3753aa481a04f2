"""How fresh each source table is, by the lake's own files: until when it was read, and when it last changed.

When a run last wrote is no measure: a backfill of an old window writes, too. A table that was never read is late once
its source has been on for longer than its interval and the hours of grace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import duckdb

from gtm_platform.ingest.merge import CLOCK_TOLERANCE
from gtm_platform.ingest.plan import opening
from gtm_platform.ingest.source import Source, Stream
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.encrypted_files import rows_of_files
from gtm_platform.lake.file_query import text
from gtm_platform.lake.lake import File, Lake
from gtm_platform.policy import Policy
from gtm_platform.sources.assets import SCHEDULED

State = Literal["fresh", "late", "never read", "silent", "off"]
LOOKED_BACK = 60  # windows, in which the newest change is looked for
USUAL_DAYS = 56  # in which a table's longest silence is looked for
LEAST_ACTIVE_DAYS = 14  # with changes, before a silence is worth a word
SILENCES = 3  # times the longest silence of late, and never less than the policy's


@dataclass(frozen=True)
class TableFreshness:
    """A table of a source: until when it was read, when it last changed, when it is late."""

    table: str
    source: str
    read_until: datetime | None
    newest_event: datetime | None
    late_after: datetime | None  # None where nobody knows since when the source is on
    silent_after: datetime | None  # None where it has no times, or is not known well enough
    off: str = ""  # why the source is not read

    def state(self, now: datetime) -> State:
        """Return whether it is as fresh as it should be."""
        if self.off and not self.read_until:
            return "off"
        if self.late_after and now > self.late_after:
            return "late" if self.read_until else "never read"
        if self.read_until and self.silent_after and now > self.silent_after:
            return "silent"
        return "fresh"

    def sentence(self, now: datetime) -> str:
        """Say it."""
        state = self.state(now)
        if state == "off":
            return self.off
        if state == "never read":
            return f"{self.table} was never read, though {self.source} is on."
        if state == "late":
            return f"{self.table} has nothing after {_at(self.read_until)}, and is late since {_at(self.late_after)}."
        if state == "silent":
            return f"Nothing has changed in {self.table} since {_at(self.newest_event)}, which is unusual."
        return f"{self.table} has everything until {_at(self.read_until)}." if self.read_until else "Not read yet."


def freshness(
    lake: Lake,
    policy: Policy,
    on_since: Mapping[str, datetime] | None = None,
    sources: tuple[Source, ...] = SCHEDULED,
) -> list[TableFreshness]:
    """Return each table of each source; `on_since` says since when a source is seen to be on."""
    changed = _days_with_changes(lake)
    return [
        _of_stream(lake, source, stream, policy, on_since or {}, changed.get(source.table(stream), []))
        for source in sources
        for stream in source.streams
    ]


def late_tables(
    lake: Lake, policy: Policy, now: datetime, sources: tuple[Source, ...] = SCHEDULED
) -> list[TableFreshness]:
    """Return the tables that are late now, without looking up when they last changed, which takes long."""
    tables = [_read_until(source, stream, lake, policy, {}) for source in sources for stream in source.streams]
    return [table for table in tables if table.state(now) == "late"]


def _of_stream(
    lake: Lake,
    source: Source,
    stream: Stream,
    policy: Policy,
    on_since: Mapping[str, datetime],
    changed: list[date],
) -> TableFreshness:
    event = _newest_event(lake, lake.files(source.table(stream)), stream.cursor_field, timedelta(hours=source.hours))
    allowed = _allowed_silence(changed, policy.quality.silent_days)
    silent_after = event + allowed if event and allowed else None
    table = _read_until(source, stream, lake, policy, on_since)
    return replace(table, newest_event=event, silent_after=silent_after)


def _read_until(
    source: Source, stream: Stream, lake: Lake, policy: Policy, on_since: Mapping[str, datetime]
) -> TableFreshness:
    table, files = source.table(stream), lake.closed_files(source.table(stream))
    interval, grace = timedelta(hours=source.hours), timedelta(hours=policy.quality.overdue_hours)
    read_until = opening(files[-1].partition) + interval if files else None
    since = read_until or on_since.get(source.name)
    late_after = since + interval + grace if since else None
    return TableFreshness(table, source.name, read_until, None, late_after, None, source.off() or "")


def _newest_event(lake: Lake, files: list[File], field: str | None, interval: timedelta) -> datetime | None:
    """Return when a record last changed, by the newest window that has any; None without such times."""
    for file in reversed(files[-LOOKED_BACK:]) if field else ():
        end = opening(file.partition) + interval + CLOCK_TOLERANCE
        before = f"{end:%Y-%m-%d %H:%M:%S+00}"
        changed = [newest for path in lake.paths([file]) if (newest := _newest_in(path, field or "", before))]
        if changed:
            return max(changed)
    return None


@lru_cache(maxsize=20_000)
def _newest_in(path: str, field: str, before: str) -> datetime | None:
    """Return the newest change in a file, which never changes itself."""
    try:
        with cursor() as connection:
            row = connection.execute(
                f'select max("{field}") from {rows_of_files([path])} where "{field}" < timestamptz {text(before)}'
            ).fetchone()
    except duckdb.Error:  # damaged, or without the column: whoever reads the table names the file
        return None
    return row[0].astimezone(UTC) if row and row[0] else None


def _allowed_silence(changed: list[date], least_days: int) -> timedelta | None:
    """Return how long nothing may change in a table; None where it is not known well enough."""
    if len(changed) < LEAST_ACTIVE_DAYS:
        return None
    longest = max((after - before).days for before, after in pairwise(changed))
    return timedelta(days=max(least_days, SILENCES * longest))


def _days_with_changes(lake: Lake) -> dict[str, list[date]]:
    """Return by table the days of late on which records changed, as `quality/daily_metrics` has them."""
    files = lake.files("quality/daily_metrics")[-USUAL_DAYS:]
    if not files:
        return {}
    with cursor() as connection:
        rows = connection.execute(f"""
            select subject, list(day order by day) from {rows_of_files(lake.paths(files))}
            where metric = 'records changed' and value > 0 group by 1""").fetchall()
    return dict(rows)


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "the beginning"
