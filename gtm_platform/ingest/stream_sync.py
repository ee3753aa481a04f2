"""A stream brought up to date for some windows: asks the API as planned, merges what comes, and writes each window.

What to ask for stands in `plan`, how rows are merged in `merge`; here is what needs the lake, the client and the clock.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import ibis

from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.ingest import merge, schema_drift
from gtm_platform.ingest.completeness import (
    Comparison,
    Completeness,
    after_refetch,
    compare_whole,
    whole_total,
    windows_to_compare,
)
from gtm_platform.ingest.extract import Extraction, Progress
from gtm_platform.ingest.plan import (
    BEFORE_FIRST_SYNC,
    NOT_NEWEST,
    PartitionWindow,
    Plan,
    SyncRules,
    is_synced_by,
    plan_request,
)
from gtm_platform.ingest.quarantine import quarantined_since, write_quarantine
from gtm_platform.ingest.record import paths_read
from gtm_platform.ingest.source import LISTED_LATE, Source, Stream, Totals, Window
from gtm_platform.ingest.suppression import erased_records
from gtm_platform.ingest.truncation import refuse_shrinkage
from gtm_platform.lake.contract_check import row_count
from gtm_platform.lake.dealing import Share, deal
from gtm_platform.lake.duckdb_engine import value
from gtm_platform.lake.lake import File, Lake
from gtm_platform.lake.store import store_of

FEW = 3  # windows are written one by one


@dataclass(frozen=True)
class WindowResult:
    """A window as it was written, or as it is where nothing was asked for it.

    The counts of what was extracted stand with the last window, and add up: rows stored, duplicates, records
    quarantined, and those outside of the windows, which the API shows beside what it was asked for.
    """

    key: str
    rows: int
    full: bool
    reasons: Mapping[str, int] = field(default_factory=dict)  # why records were quarantined, and how many
    read: int = 0
    duplicates: int = 0
    outside: int = 0
    unchanged: bool = False  # nothing was written: no change, or one that came with a later window
    is_open: bool = False  # read before its end

    @property
    def quarantined(self) -> int:
        """How many records were quarantined."""
        return sum(self.reasons.values())


@dataclass(frozen=True)
class SyncReport:
    """What became of the windows that a sync was asked for; without any, `reason` says why."""

    windows: list[WindowResult]
    reason: str = ""
    completeness: Completeness | None = None  # of a stream whose system gives totals


@dataclass(frozen=True)
class StreamSync:
    """One stream of a source, being brought up to date for some adjacent windows."""

    lake: Lake
    source: Source
    stream: Stream
    rules: SyncRules
    now: datetime
    run_id: str
    full_refresh: bool = False  # of the newest window
    accept_shrinkage: bool = False  # a person knows that what a full refresh lost is gone
    progress: Progress | None = None
    overlap: timedelta | None = None  # ask an open window only for what is newer than its records, and so much before

    @property
    def table(self) -> str:
        """The stream's table."""
        return self.source.table(self.stream)

    def sync(self, client: Any, windows: Sequence[PartitionWindow]) -> list[WindowResult]:
        """Write the windows from one request; an empty list where nothing can be known about any of them."""
        return self.report(client, windows).windows

    @redact_exceptions()
    def report(self, client: Any, windows: Sequence[PartitionWindow]) -> SyncReport:
        """Write the windows from one request, and account for each that was asked for."""
        self._hide_damaged(windows)
        plan, planned = self.plan(windows), windows
        if plan.reason == NOT_NEWEST:
            return SyncReport([], plan.reason)
        if plan.reason == BEFORE_FIRST_SYNC:  # those before it are left out, the others are synced
            planned = self._synced(windows)
            plan = self.plan(planned) if planned else plan
        written, completeness = self._complete_sync(client, plan, planned)
        unchanged = self._unchanged(windows, {result.key for result in written})
        results = sorted([*written, *unchanged], key=lambda result: result.key)
        return SyncReport(results, "" if results else plan.reason, completeness)

    def plan(self, windows: Sequence[PartitionWindow]) -> Plan:
        """Plan the request for these windows."""
        files = self.lake.closed_files(self.table)
        again = self.source.is_scheduled
        plan = plan_request(self.stream, windows, files, self.now, self.rules, self.full_refresh, is_read_again=again)
        return plan if self.overlap is None else self._from_newest(plan, windows[-1], self.overlap)

    def _from_newest(self, plan: Plan, window: PartitionWindow, overlap: timedelta) -> Plan:
        """Begin the request shortly before the newest record of the window's file, by the clock of the system.

        What a system lists later than that is for the reading of the whole window.
        """
        field, files = self.stream.cursor_field, self._files(window)
        if plan.request is None or plan.request.full or field is None or not files or not self._is_open(window):
            return plan
        newest = value(self.lake.read(self.table, files)[field].max())
        if newest is None:
            return plan
        back = self.stream.lookback if self.stream.lookback > LISTED_LATE else overlap
        start = min(newest, self.now) - back
        return replace(plan, request=replace(plan.request, start=max(start, plan.request.start)))

    def _is_open(self, window: PartitionWindow) -> bool:
        """Whether it is read again once it is over; what is asked on demand is not."""
        return self.source.is_scheduled and window.is_open_at(self.now)

    def _synced(self, windows: Sequence[PartitionWindow]) -> Sequence[PartitionWindow]:
        """The windows from the first sync on."""
        files = self.lake.closed_files(self.table)
        return [window for window in windows if is_synced_by(files, window)]

    # --- completeness ------------------------------------------------------------------------------------------------

    def _complete_sync(
        self, client: Any, plan: Plan, windows: Sequence[PartitionWindow]
    ) -> tuple[list[WindowResult], Completeness | None]:
        """Extract what is planned; then compare with the system's totals, and fetch again what is missing."""
        if plan.request is None:
            return [], None
        if isinstance(totals := self.stream.totals, str) or self._is_open(windows[-1]):
            return self._extract(client, plan, plan.request, windows), None
        if self.stream.cursor_field is None:
            return self._whole_compared(client, plan, plan.request, windows, totals)
        written, last = self._extract(client, plan, plan.request, windows), windows[-1]
        first = self._compare(client, totals, plan.request, last)
        if not first.shortages:
            return written, first
        for shortage in first.shortages:
            (again,) = self._extract(client, Plan(shortage.window), shortage.window, [last])
            written[-1] = _with_refetched(written[-1], again)
        second = self._compare(client, totals, plan.request, last)
        return written, after_refetch(first, second)

    def _compare(self, client: Any, totals: Totals, request: Window, last: PartitionWindow) -> Completeness:
        """Compare the table as of the window's end with what the system says of the same instant."""
        table, field = self._as_of(last), totals.counted_by or self.stream.cursor_field
        assert field is not None

        def rows_in(start: datetime, end: datetime) -> int:
            return int(value(merge.between(table, field, start, end).count()))

        excused = quarantined_since(self.lake, self.source.quarantine(self.stream), self._last_full(last), last.key)
        excused += erased_records(self.table)
        return Comparison(totals, client, rows_in, excused).compare(windows_to_compare(request, last.end))

    def _whole_compared(
        self, client: Any, plan: Plan, request: Window, windows: Sequence[PartitionWindow], totals: Totals
    ) -> tuple[list[WindowResult], Completeness | None]:
        """A list without times is read between two counts, and once more where it has fewer than both."""

        def attempt() -> tuple[list[WindowResult], Completeness]:
            before = whole_total(totals, client, request)
            written = self._extract(client, plan, request, windows)
            rows = row_count(self._as_of(windows[-1])) + written[-1].quarantined + erased_records(self.table)
            return written, compare_whole(before, whole_total(totals, client, request), rows, windows[-1].end)

        written, first = attempt()
        if not first.shortages:
            return written, first
        written, second = attempt()
        return written, after_refetch(first, second)

    def _last_full(self, window: PartitionWindow) -> str:
        full = [file.partition for file in self.lake.files(self.table) if file.full and file.partition <= window.key]
        return max(full, default="")

    # --- the run -----------------------------------------------------------------------------------------------------

    def _extract(
        self, client: Any, plan: Plan, request: Window, windows: Sequence[PartitionWindow]
    ) -> list[WindowResult]:
        last = windows[-1]
        extraction = Extraction(self.lake, self.table, self.stream, self.run_id, last.end, self.progress)
        with extraction.extract_to_file(client, request) as rows:
            outside = self._outside(extraction, rows, request, last)
            chosen = [window for window in windows if self._has_rows(window, windows)]
            dealt = self._deal(rows, chosen, plan, windows)
            written = [
                dealt.get(window.key) or self._write(extraction, rows, window, plan, request, windows)
                for window in chosen
            ]
        schema_drift.learn(self.lake, self.table, extraction.fields, self.now, paths_read(self.stream.record))
        quarantine = self.source.quarantine(self.stream)
        write_quarantine(self.lake, quarantine, last.key, last.end, extraction.rejected, self.run_id)
        reasons = Counter(bad.reason for bad in extraction.rejected.values())
        read, duplicates = extraction.read, extraction.duplicates
        return [*written[:-1], replace(written[-1], reasons=reasons, read=read, duplicates=duplicates, outside=outside)]

    def _has_rows(self, window: PartitionWindow, windows: Sequence[PartitionWindow]) -> bool:
        """A full refresh is of the last window; and before a stream is first known whole, changes are no picture."""
        if self.stream.sync_mode == "append_only" or window == windows[-1]:
            return True
        files = self.lake.files(self.table)
        return self.stream.sync_mode == "incremental" and is_synced_by(files, windows[0])

    def _unchanged(self, windows: Sequence[PartitionWindow], written: set[str]) -> list[WindowResult]:
        """The other windows of a stream that was synced by then: with their rows, or with none of their own."""
        files = {file.partition: file for file in self.lake.files(self.table)}
        if not any(key <= windows[-1].key for key in files):
            return []
        results = []
        for window in windows:
            if window.key in written:
                continue
            file = files.get(window.key)
            rows = row_count(self.lake.read(self.table, [file])) if file else 0
            results.append(WindowResult(window.key, rows, bool(file and file.full), unchanged=True))
        return results

    def _deal(
        self, rows: ibis.Table, chosen: Sequence[PartitionWindow], plan: Plan, windows: Sequence[PartitionWindow]
    ) -> dict[str, WindowResult]:
        """Write those of many windows at once that get their own rows and nothing else.

        The first and the last of them take more than their own, and what has a file is merged with it.
        """
        field, taken = self.stream.cursor_field, {file.partition for file in self.lake.files(self.table)}
        taken |= {windows[0].key, windows[-1].key, plan.snapshot or ""}
        shares = [Share(window.key, window.start, window.end) for window in chosen if window.key not in taken]
        if field is None or len(shares) < FEW:
            return {}
        written = deal(self.lake, self.table, rows, field, shares)
        return {key: WindowResult(key, file.rows, full=False) for key, file in written.items()}

    # --- one window --------------------------------------------------------------------------------------------------

    def _write(
        self,
        extraction: Extraction,
        extracted: ibis.Table,
        window: PartitionWindow,
        plan: Plan,
        request: Window,
        windows: Sequence[PartitionWindow],
    ) -> WindowResult:
        """Write the rows of one window. A window never loses a record that it once held: asked again, an API no longer
        shows what has changed since."""
        append_only, last = self.stream.sync_mode == "append_only", window == windows[-1]
        full = window.key == plan.snapshot
        takes_past = windows[0] if append_only or not request.full else windows[-1]
        begins = request.start if window == takes_past else window.start
        within = self._between(extracted, begins, window.end, last=last)
        rows = as_extracted = merge.stamped(within, window.end)
        if full:
            rows = self._complete(rows, extraction, extracted, window)
        if full and not append_only:
            if not self.accept_shrinkage:
                before = row_count(self._as_of(window))
                refuse_shrinkage(self.table, window.key, before, int(value(rows.count())), self.rules)
        else:
            if not full and max(begins, extraction.earliest) < window.start:  # some may be from before the window
                rows = self._drop_stale_versions(rows, window)
            rows, full = self._merge_existing(rows, window, full)
        # What was extracted for this window, all of it and nothing else, need not be written once more.
        as_it_is = rows is as_extracted and last and extraction.changed_within(begins, window.end)
        file = extraction.file if as_it_is else None
        is_open = self._is_open(window)
        written = self.lake.write(self.table, window.key, file or rows, full=full, is_open=is_open)
        return WindowResult(window.key, written.rows, full, is_open=is_open)

    def _between(self, rows: ibis.Table, start: datetime, end: datetime, last: bool) -> ibis.Table:
        if self.stream.cursor_field is None:
            return rows
        return merge.between(rows, self.stream.cursor_field, start, end, self._future_from if last else None)

    def _complete(
        self, rows: ibis.Table, extraction: Extraction, extracted: ibis.Table, window: PartitionWindow
    ) -> ibis.Table:
        """Add to a full window what could not be read, and what has changed since its end, both as known before."""
        key, cursor_field = self.stream.key, self.stream.cursor_field
        if extraction.rejected:
            rejected = extraction.rejected.values()
            last_good = merge.keep_rejected(extracted, self._as_of(window), key, rejected, window.end)
            rows = rows.union(last_good.select(*rows.columns))
        # Each further use of what was extracted in one query holds what its file is made of again.
        if self.stream.sync_mode != "incremental" or cursor_field is None or extraction.latest < window.end:
            return rows
        earlier = self._as_of(window)
        return merge.restore_later_changes(rows, extracted, earlier, key, cursor_field, window.end, self._future_from)

    def _drop_stale_versions(self, rows: ibis.Table, window: PartitionWindow) -> ibis.Table:
        assert self.stream.cursor_field is not None
        early = rows.filter(rows[self.stream.cursor_field] < ibis.timestamp(window.start.isoformat()))
        if not value(early.count()):  # they are rare, and reading the earlier versions is expensive
            return rows
        earlier = self._as_of(window, before=True)
        return merge.drop_stale_versions(rows, early, earlier, self.stream.key, self.stream.cursor_field)

    def _merge_existing(self, rows: ibis.Table, window: PartitionWindow, full: bool) -> tuple[ibis.Table, bool]:
        """The rows merged with what the window holds; what was whole stays whole."""
        files = self._files(window)
        if not files:
            return rows, full
        existing = self.lake.read(self.table, files)
        merged = merge.merge_existing(rows, existing, self.stream.key, self.stream.cursor_field)
        return merged, full or files[-1].full

    def _outside(self, extraction: Extraction, rows: ibis.Table, request: Window, last: PartitionWindow) -> int:
        """How many of the records belong to none of the windows."""
        whole = request.full and self.stream.sync_mode == "incremental"  # what has changed since the end is part of it
        if whole or extraction.changed_within(request.start, last.end):
            return 0
        return extraction.distinct - int(value(self._between(rows, request.start, last.end, last=True).count()))

    # --- what is known -----------------------------------------------------------------------------------------------

    @property
    def _future_from(self) -> datetime:
        return self.now + merge.CLOCK_TOLERANCE

    def _as_of(self, window: PartitionWindow, before: bool = False) -> ibis.Table:
        """The table as of the window's end, or as of its beginning."""
        return self.lake.as_of(self.table, window.key if before else window.key + "~")

    def _files(self, window: PartitionWindow) -> list[File]:
        return [file for file in self.lake.files(self.table) if file.partition == window.key]

    def _hide_damaged(self, windows: Sequence[PartitionWindow]) -> None:
        """A window whose file cannot be read is written afresh; the file is kept, hidden, for whoever wants to look."""
        keys = {window.key for window in windows}
        for file in self.lake.files(self.table):
            if file.partition in keys and self.lake.damaged(map(str, file.paths)):
                store_of(file.path).set_aside(file.path)


def _with_refetched(window: WindowResult, again: WindowResult) -> WindowResult:
    """The window with what was fetched for it once more: its rows, and the counts of both extractions.

    A bad record that came again is one bad record, and what brought no further row was read before.
    """
    reasons = Counter(window.reasons) | Counter(again.reasons)
    bad_again = window.quarantined + again.quarantined - reasons.total()
    read_before = again.read - again.quarantined - again.outside - (again.rows - window.rows)
    return replace(
        again,
        full=window.full or again.full,
        reasons=reasons,
        read=window.read + again.read,
        duplicates=window.duplicates + read_before + bad_again,
        outside=window.outside + again.outside,
    )
