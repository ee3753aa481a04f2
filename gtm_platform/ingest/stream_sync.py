"""A stream brought up to date for some windows: what to ask the API for, and which window each row belongs to."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import ibis
import pyarrow as pa

from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.ingest.extract import Extraction
from gtm_platform.ingest.record import Rejected
from gtm_platform.ingest.source import BEGINNING, Source, Stream, Window
from gtm_platform.lake.contract_check import row_count
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import value
from gtm_platform.lake.lake import File, Lake
from gtm_platform.policy import Policy

BETWEEN = "\x1f"  # the parts of a key
CLOCKS_DIFFER = timedelta(days=1)  # what moved later than this from now on did not: its clock is wrong


class ShrankTooMuch(RuntimeError):
    """A full snapshot that lost so much that it is more likely wrong than true; the one before it stays."""


@dataclass(frozen=True)
class PartitionWindow:
    """A window of the table, and its partition key."""

    key: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class WindowResult:
    """A window as it was filled. What the sweep read is told with the last one, and adds up: rows stored, duplicates,
    records set aside, and those outside of the windows, which the API says beside what it was asked for."""

    key: str
    rows: int
    full: bool
    reasons: Mapping[str, int] = field(default_factory=dict)  # why records were set aside, and how many
    read: int = 0
    duplicates: int = 0
    outside: int = 0

    @property
    def quarantined(self) -> int:
        return sum(self.reasons.values())


def partition_windows(windows: dg.TimeWindowPartitionsDefinition, keys: Sequence[str]) -> list[PartitionWindow]:
    spans = [(key, windows.time_window_for_partition_key(key)) for key in keys]
    return [PartitionWindow(key, span.start.astimezone(UTC), span.end.astimezone(UTC)) for key, span in spans]


@dataclass(frozen=True)
class Sync:
    """One stream of a source, being brought up to date for some adjacent windows."""

    lake: Lake
    source: Source
    stream: Stream
    policy: Policy
    now: datetime
    run_id: str

    @property
    def table(self) -> str:
        return self.source.table(self.stream)

    @redact_exceptions()
    def fill(self, client: Any, slots: Sequence[PartitionWindow]) -> list[WindowResult]:
        """Fills the windows with one sweep over the API. An empty list: nothing can be known about these windows."""
        for slot in slots:
            self._set_aside_damaged(slot)
        window = self.asked(slots)
        if window is None:
            return []
        sweep = Extraction(self.lake, self.table, self.stream, self.run_id, slots[-1].end)
        with sweep.landed(client, window) as swept:
            outside = self._outside(sweep, swept, window, slots[-1])
            wanted = [slot for slot in slots if self._has_rows(slot, slots)]
            filled = [self._fill(sweep, swept, slot, window, slots) for slot in wanted]
        if sweep.rejected or self.lake.has(self.source.quarantine(self.stream), slots[-1].key):
            self._quarantine(sweep.rejected, slots[-1])
        reasons = Counter(bad.reason for bad in sweep.rejected.values())
        told = replace(filled[-1], reasons=reasons, read=sweep.read, duplicates=sweep.duplicates, outside=outside)
        return [*filled[:-1], told]

    # --- what to ask for -------------------------------------------------------------------------------------------

    def asked(self, slots: Sequence[PartitionWindow]) -> Window | None:
        """What to ask the API for. It cannot be asked what a record looked like on a past day, so the whole of an
        updated stream is only ever taken for the window that closed last; one sweep covers windows that were missed."""
        first, last = slots[0], slots[-1]
        newest = last.end <= self.now < last.end + 2 * (last.end - last.start)
        before = [file for file in self.lake.files(self.table) if file.partition < first.key]
        kind, known = self.stream.kind, self._known_before(first)
        if kind == "snapshot":
            return Window(BEGINNING, last.end, full=True) if newest else None
        if kind == "appended" and not known:
            return Window(BEGINNING, last.end, full=True)
        if kind == "updated" and newest and self._full_is_due(last):
            return Window(BEGINNING, last.end, full=True)
        if not known:
            return None
        held = max(datetime.fromisoformat(_iso(file.partition)) for file in before) + (first.end - first.start)
        return Window(min(first.start, held) - self.stream.overlap, last.end)

    def _known_before(self, slot: PartitionWindow) -> bool:
        return any(file.full and file.partition < slot.key for file in self.lake.files(self.table))

    def _full_is_due(self, slot: PartitionWindow) -> bool:
        full = [file for file in self.lake.files(self.table) if file.full and file.partition < slot.key]
        if not full or any(file.full for file in self._held(slot)):
            return True
        age = slot.start - datetime.fromisoformat(_iso(full[-1].partition))
        return age >= timedelta(days=self.policy.sync.full_every_days)

    # --- dealing ---------------------------------------------------------------------------------------------------

    def _has_rows(self, slot: PartitionWindow, slots: Sequence[PartitionWindow]) -> bool:
        """A snapshot is of the last window; and before a stream is first known whole, what moved last is no picture."""
        if self.stream.kind == "appended" or slot == slots[-1]:
            return True
        return self.stream.kind == "updated" and self._known_before(slots[0])

    def _fill(
        self,
        sweep: Extraction,
        swept: ibis.Table,
        slot: PartitionWindow,
        window: Window,
        slots: Sequence[PartitionWindow],
    ) -> WindowResult:
        """The rows of one window. A window never loses a record that it once held: asked again, an API no longer says
        what has changed since."""
        rejected = sweep.rejected.values()
        whole = slots[0] if self.stream.kind == "appended" else slots[-1]
        full = window.full and slot == whole
        opens = window.start if full or (slot == slots[0] and not window.full) else slot.start
        within = self._between(swept, opens, slot.end, last=slot == slots[-1])
        rows = stamped = self._stamped(within, slot)
        if full and rejected:
            rows = rows.union(self._keep_rejected(swept, slot, rejected).select(*rows.columns))
        if full and self.stream.kind == "updated":
            rows = self._restore_later_changes(rows, sweep, swept, slot)
        if full and self.stream.kind != "appended":
            self._refuse_shrinkage(rows, slot)
        else:
            if not full and max(opens, sweep.earliest) < slot.start:  # some may be from before the window
                rows = self._drop_stale_versions(rows, slot)
            rows, full = self._merge_existing(rows, slot, full)
        # What was swept for this window, all of it and nothing else, need not be written once more.
        as_it_is = rows is stamped and slot == slots[-1] and sweep.moved_within(opens, slot.end)
        file = sweep.file if as_it_is else None
        written = self.lake.write(self.table, slot.key, file or rows, full=full)
        return WindowResult(slot.key, written.rows, full)

    def _between(self, swept: ibis.Table, start: datetime, end: datetime, last: bool) -> ibis.Table:
        if self.stream.moved is None:
            return swept
        moved = swept[self.stream.moved]
        within = (moved >= start) & (moved < end)
        return swept.filter(within | self._dated_in_future(moved) if last else within)

    def _dated_in_future(self, moved: ibis.Value) -> ibis.ir.BooleanValue:
        """It would have to wait for its window for ever, so it comes whenever the API says it."""
        return moved >= ibis.timestamp((self.now + CLOCKS_DIFFER).isoformat())

    def _outside(self, sweep: Extraction, swept: ibis.Table, window: Window, last: PartitionWindow) -> int:
        whole = window.full and self.stream.kind == "updated"  # what has moved since the end is part of it, too
        if whole or sweep.moved_within(window.start, last.end):
            return 0
        return sweep.different - int(value(self._between(swept, window.start, last.end, last=True).count()))

    def _restore_later_changes(
        self, rows: ibis.Table, sweep: Extraction, swept: ibis.Table, slot: PartitionWindow
    ) -> ibis.Table:
        """A full snapshot as of the window's end: what has moved since stands as it was known before, where it was."""
        assert self.stream.moved is not None
        if sweep.latest < slot.end:  # each further use of the sweep in one query holds what its file is made of again
            return rows
        moved = swept[self.stream.moved]
        since = swept.filter((moved >= slot.end) & ~self._dated_in_future(moved))
        known = self._known(slot).drop("_window").semi_join(since, self._key)
        others = self._with_others(known, since.select(*known.columns))
        return rows.union(self._stamped(others, slot).select(*rows.columns))

    def _keep_rejected(self, swept: ibis.Table, slot: PartitionWindow, rejected: Collection[Rejected]) -> ibis.Table:
        """The last good version of what is there but could not be read: set aside is not deleted."""
        before = self._known(slot)
        key = ibis.literal(BETWEEN).join([before[part].cast("string") for part in self._key])
        named = [BETWEEN.join(bad.key) for bad in rejected if bad.key]
        known = before.filter(key.isin(named)).drop("_window")
        return self._stamped(known.anti_join(swept, self._key), slot)

    def _drop_stale_versions(self, rows: ibis.Table, slot: PartitionWindow) -> ibis.Table:
        """Without those from before the window of which a later version is known: an API that lags shows an old one."""
        assert self.stream.moved is not None
        early = rows.filter(rows[self.stream.moved] < ibis.timestamp(slot.start.isoformat()))
        if not value(early.count()):  # seldom there are any, and to look up what is known is dear
            return rows
        known = self._known(slot, before=True).select(*self._key, _known=self.stream.moved)
        late = early.join(known, self._key).filter(lambda t: t["_known"] > t[self.stream.moved])
        return rows.anti_join(late, self._key)

    def _merge_existing(self, rows: ibis.Table, slot: PartitionWindow, full: bool) -> tuple[ibis.Table, bool]:
        """With what the window holds, of each record the version that moved last; what was whole stays whole."""
        held = self._held(slot)
        if not held:
            return rows, full
        both = rows.union(self.lake.read(self.table, held).select(*rows.columns))
        newest = [ibis.desc(self.stream.moved), ibis.desc("_extracted_at")]
        nth = ibis.row_number().over(group_by=self._key, order_by=newest)
        return both.mutate(_nth=nth).filter(lambda t: t["_nth"] == 0).drop("_nth"), full or held[-1].full

    def _with_others(self, rows: ibis.Table, more: ibis.Table) -> ibis.Table:
        others = more.anti_join(rows, self._key)
        return rows.union(others.select(*rows.columns))

    def _stamped(self, rows: ibis.Table, slot: PartitionWindow) -> ibis.Table:
        return rows.mutate(_window=ibis.timestamp(slot.end.isoformat()).cast("timestamp('UTC', 6)"))

    @property
    def _key(self) -> list[str]:
        return list(self.stream.key)

    def _known(self, slot: PartitionWindow, before: bool = False) -> ibis.Table:
        """What is known as of the window's end, or before it."""
        return self.lake.as_of(self.table, slot.key if before else slot.key + "~")

    def _held(self, slot: PartitionWindow) -> list[File]:
        return [file for file in self.lake.files(self.table) if file.partition == slot.key]

    def _set_aside_damaged(self, slot: PartitionWindow) -> None:
        """A window whose file cannot be read is filled afresh; the file is kept, hidden, for whoever wants to look."""
        for file in self._held(slot):
            if self.lake.damaged([str(file.path)]):
                file.path.rename(file.path.with_name(f".{file.path.name}.damaged"))

    def _refuse_shrinkage(self, rows: ibis.Table, slot: PartitionWindow) -> None:
        before, now = row_count(self._known(slot)), value(rows.count())
        rules = self.policy.sync
        lost = before - now
        if lost > before * rules.max_shrinkage and (lost > rules.shrinkage_min_records or not now):
            raise ShrankTooMuch(
                f"The full snapshot of {self.table} holds {now} records where {before} were known: {lost} gone is more "
                f"than sync.fullest_shrinkage allows, so nothing was replaced. If it is true, raise it in the policy "
                f"and run the window again."
            )

    # --- quarantine ------------------------------------------------------------------------------------------------

    def _quarantine(self, rejected: Mapping[str, Rejected], slot: PartitionWindow) -> None:
        table = self.source.quarantine(self.stream)
        schema = contract_of(table).schema.to_pyarrow()
        rows = [
            {
                "digest": digest,
                "record_id": bad.record_id,
                "reason": bad.reason,
                "payload": bad.raw.decode("utf-8", "replace"),
                "_window": slot.end,
                "_extracted_at": datetime.now(UTC),
                "_run_id": self.run_id,
                "_deleted": False,
            }
            for digest, bad in rejected.items()
        ]
        batch = pa.RecordBatch.from_pylist(rows, schema=schema)
        self.lake.write(table, slot.key, pa.RecordBatchReader.from_batches(schema, [batch]))


def _iso(partition: str) -> str:
    day, _, time = partition.partition("T")
    return f"{day}T{time or '0000'}+0000"
