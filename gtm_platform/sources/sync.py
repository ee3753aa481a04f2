"""A stream brought up to date for some windows: what to ask the API for, and which window each row belongs to."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import ibis
import pyarrow as pa

from gtm_platform.connect.records import Rejected
from gtm_platform.connect.redaction import discreet
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.engine import value
from gtm_platform.lake.lake import File, Lake
from gtm_platform.policy import Policy
from gtm_platform.sources.stream import Source, Stream, Window
from gtm_platform.sources.sweep import Sweep

BEGINNING = datetime(1990, 1, 1, tzinfo=UTC)


class ShrankTooMuch(RuntimeError):
    """A full snapshot that lost so much that it is more likely wrong than true; the one before it stays."""


@dataclass(frozen=True)
class Slot:
    """A window of the table, and its partition key."""

    key: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Filled:
    key: str
    rows: int
    full: bool
    reasons: Mapping[str, int] = field(default_factory=dict)  # why records were set aside, and how many

    @property
    def quarantined(self) -> int:
        return sum(self.reasons.values())


def slots_of(windows: dg.TimeWindowPartitionsDefinition, keys: Sequence[str]) -> list[Slot]:
    spans = [(key, windows.time_window_for_partition_key(key)) for key in keys]
    return [Slot(key, span.start.astimezone(UTC), span.end.astimezone(UTC)) for key, span in spans]


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

    @discreet()
    def fill(self, client: Any, slots: Sequence[Slot]) -> list[Filled]:
        """Fills the windows with one sweep over the API. An empty list: nothing can be known about these windows."""
        for slot in slots:
            self._set_aside_damaged(slot)
        window = self.asked(slots)
        if window is None:
            return []
        sweep = Sweep(self.lake, self.table, self.stream, self.run_id)
        rejected = sweep.rejected
        with sweep.landed(client, window) as swept:
            wanted = [slot for slot in slots if self._has_rows(slot, slots)]
            filled = [self._fill(swept, slot, window, slots, rejected) for slot in wanted]
        if rejected or self.lake.has(self.source.quarantine(self.stream), slots[-1].key):
            self._quarantine(rejected, slots[-1])
        return [*filled[:-1], replace(filled[-1], reasons=Counter(bad.reason for bad in rejected))]

    # --- what to ask for -------------------------------------------------------------------------------------------

    def asked(self, slots: Sequence[Slot]) -> Window | None:
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

    def _known_before(self, slot: Slot) -> bool:
        return any(file.full and file.partition < slot.key for file in self.lake.files(self.table))

    def _full_is_due(self, slot: Slot) -> bool:
        full = [file for file in self.lake.files(self.table) if file.full and file.partition < slot.key]
        if not full or any(file.full for file in self._held(slot)):
            return True
        age = slot.start - datetime.fromisoformat(_iso(full[-1].partition))
        return age >= timedelta(days=self.policy.sync.full_every_days)

    # --- dealing ---------------------------------------------------------------------------------------------------

    def _has_rows(self, slot: Slot, slots: Sequence[Slot]) -> bool:
        """A snapshot is of the last window; and before a stream is first known whole, what moved last is no picture."""
        if self.stream.kind == "appended" or slot == slots[-1]:
            return True
        return self.stream.kind == "updated" and self._known_before(slots[0])

    def _fill(
        self, swept: ibis.Table, slot: Slot, window: Window, slots: Sequence[Slot], rejected: Sequence[Rejected]
    ) -> Filled:
        """The rows of one window. A window never loses a record that it once held: asked again, an API no longer says
        what has changed since."""
        whole = slots[0] if self.stream.kind == "appended" else slots[-1]
        full = window.full and slot == whole
        opens = window.start if full or (slot == slots[0] and not window.full) else slot.start
        rows = self._stamped(self._between(swept, opens, slot.end), slot)
        if full and rejected:
            rows = self._with_others(rows, self._unread(slot, rejected))
        if full and self.stream.kind == "updated":
            rows = self._completed(rows, swept, slot)
            self._refuse_shrinkage(rows, slot)
        elif self.stream.kind != "snapshot" and (held := self._held(slot)):
            rows = self._with_others(rows, self.lake.read(self.table, held))
        return Filled(slot.key, self.lake.write(self.table, slot.key, rows, full=full).rows, full)

    def _between(self, swept: ibis.Table, start: datetime, end: datetime) -> ibis.Table:
        if self.stream.moved is None:
            return swept
        return swept.filter((swept[self.stream.moved] >= start) & (swept[self.stream.moved] < end))

    def _completed(self, rows: ibis.Table, swept: ibis.Table, slot: Slot) -> ibis.Table:
        """A full snapshot as of the window's end: what has moved since stands as it was known before, where it was."""
        assert self.stream.moved is not None
        since = swept.filter(swept[self.stream.moved] >= slot.end)
        before = self.lake.as_of(self.table, slot.key + "~")
        known = self._stamped(before.drop("_window").semi_join(since, list(self.stream.key)), slot)
        return self._with_others(self._with_others(rows, known), self._stamped(since, slot))

    def _unread(self, slot: Slot, rejected: Sequence[Rejected]) -> ibis.Table:
        """The last good version of what is there but could not be read: set aside is not deleted."""
        before = self.lake.as_of(self.table, slot.key)
        named = [bad.record_id for bad in rejected if bad.record_id]
        known = before.filter(before["id"].isin(named)) if "id" in before.columns else before.limit(0)
        return self._stamped(known.drop("_window"), slot)

    def _with_others(self, rows: ibis.Table, more: ibis.Table) -> ibis.Table:
        others = more.anti_join(rows, list(self.stream.key))
        return rows.union(others.select(*rows.columns))

    def _stamped(self, rows: ibis.Table, slot: Slot) -> ibis.Table:
        return rows.mutate(_window=ibis.timestamp(slot.end.isoformat()).cast("timestamp('UTC', 6)"))

    def _held(self, slot: Slot) -> list[File]:
        return [file for file in self.lake.files(self.table) if file.partition == slot.key]

    def _set_aside_damaged(self, slot: Slot) -> None:
        """A window whose file cannot be read is filled afresh; the file is kept, hidden, for whoever wants to look."""
        for file in self._held(slot):
            if self.lake.damaged([str(file.path)]):
                file.path.rename(file.path.with_name(f".{file.path.name}.damaged"))

    def _refuse_shrinkage(self, rows: ibis.Table, slot: Slot) -> None:
        before, now = value(self.lake.as_of(self.table, slot.key).count()), value(rows.count())
        rules = self.policy.sync
        lost = before - now
        if lost > rules.shrinkage_allowance and lost > before * rules.fullest_shrinkage:
            raise ShrankTooMuch(
                f"The full snapshot of {self.table} holds {now} records where {before} were known: {lost} gone is more "
                f"than sync.fullest_shrinkage allows, so nothing was replaced. If it is true, raise it in the policy "
                f"and run the window again."
            )

    # --- quarantine ------------------------------------------------------------------------------------------------

    def _quarantine(self, rejected: list[Rejected], slot: Slot) -> None:
        table = self.source.quarantine(self.stream)
        schema = contract_of(table).schema.to_pyarrow()
        rows = {
            digest: {
                "digest": digest,
                "record_id": bad.record_id,
                "reason": bad.reason,
                "payload": bad.raw.decode("utf-8", "replace"),
                "_window": slot.end,
                "_extracted_at": datetime.now(UTC),
                "_run_id": self.run_id,
                "_deleted": False,
            }
            for bad in rejected
            for digest in [hashlib.sha256(bad.raw).hexdigest()]
        }
        batch = pa.RecordBatch.from_pylist(list(rows.values()), schema=schema)
        self.lake.write(table, slot.key, pa.RecordBatchReader.from_batches(schema, [batch]))


def _iso(partition: str) -> str:
    day, _, time = partition.partition("T")
    return f"{day}T{time or '0000'}+0000"
