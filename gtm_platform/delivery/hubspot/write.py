"""Writing the changes: an intent before each call, a receipt after each answer; a bad record never stops the rest.

What has no receipt, and a sample of what has, is read back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gtm_platform.delivery.hubspot.client import BatchResult, HubSpotObjects, Input, batches
from gtm_platform.delivery.hubspot.diff import Diff, FieldChange, RecordDiff
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.turns import intend
from gtm_platform.http.errors import ApiFailure, BadRequest, NotFound
from gtm_platform.state import State
from gtm_platform.state.hubspot_journal import Outcome, Write, conclude, receive

SAMPLE = 20  # records read back after each run, beside those with an unknown outcome
SPLIT = {400, 404, 409}  # statuses with which one record makes HubSpot refuse a whole batch
MIN_REJECTIONS_TO_ABORT = 10  # refusals of all of so many are no accident
NOT_KEPT = "HubSpot took the value but did not hold it when it was read back; the next run tries again."


class AllRecordsRejected(RuntimeError):
    """HubSpot refuses whatever is sent."""


@dataclass(frozen=True)
class Run:
    """One delivery: its id, the day it is about, and the clock."""

    id: str
    day: str
    now: Callable[[], datetime]

    def trace(self, object_id: str) -> str:
        """Return the id by which HubSpot names an object of this run in its answers."""
        return f"{self.id[:8]}-{object_id}"


@dataclass
class SentRecord:
    """A record on its way: the journal's rows of its fields, and what became of it."""

    diff: RecordDiff
    rows: list[int]
    outcome: Outcome = "unknown"
    reason: str | None = None

    @property
    def object_id(self) -> str:
        """The object's id in HubSpot."""
        return self.diff.desired.object_id


def journal_diff(diff: Diff, state: State, run: Run) -> None:
    """Journal what reading HubSpot showed: late arrivals, confirmed values, fields not to be touched."""
    learnt = [each for each in diff.records if each.arrived or each.confirmed or each.held_back or each.rejected]
    for batch in batches(learnt):
        with state.writing() as tx:
            now, arrived = run.now(), [row for record in batch for row in record.arrived]
            receive(tx, arrived, "written", now, "found in HubSpot when it was read again")
            conclude(tx, _writes(run, diff, batch, lambda record: record.confirmed), "unchanged", now)
            conclude(tx, _writes(run, diff, batch, lambda record: record.held_back), "held", now)
            conclude(tx, _writes(run, diff, batch, lambda record: record.refused), "rejected", now)


def _writes(
    run: Run, diff: Diff, batch: Sequence[RecordDiff], changes: Callable[[RecordDiff], list[FieldChange]]
) -> list[tuple[Write, str]]:
    return [
        (_write_of(run, diff.object_type, record, change), change.reason)
        for record in batch
        for change in changes(record)
    ]


def _write_of(run: Run, object_type: ObjectType, record: RecordDiff, change: FieldChange) -> Write:
    desired, property = record.desired, object_type.by_name[change.property]
    return Write(
        run_id=run.id,
        day=run.day,
        object_type=object_type.name,
        object_id=desired.object_id,
        customer_id=desired.subject_id,
        property=change.property,
        before=property.shown(change.before),
        after=property.shown(change.after),
        provenance=desired.provenance[change.property],
        trace_id=run.trace(desired.object_id),
        cause=change.cause,
        author=change.author.name if change.author else None,
        author_at=change.author.at if change.author else None,
    )


@dataclass(frozen=True)
class Writer:
    """Sends batches and keeps their receipts."""

    objects: HubSpotObjects
    state: State
    run: Run

    def send(self, records: Sequence[RecordDiff]) -> list[SentRecord]:
        """Write the changed fields of the records, batch by batch."""
        sent: list[SentRecord] = []
        for some in batches(records):
            for record in some:
                record.hold_back(self.objects.definitions.deleted)
            batch = self._intend([record for record in some if record.changed])
            if batch:
                self._send(batch)
            batch = list(self._without_deleted(batch))
            _stop_if_all_rejected(batch, self.objects.object_type.name)
            sent += batch
        return sent

    def verify(self, sent: Sequence[SentRecord]) -> None:
        """Read back what has an unknown outcome and a sample of the rest, and correct what is believed of it."""
        unknown = [record for record in sent if record.outcome == "unknown"]
        for some in batches(unknown + _sample(sent)):
            batch = {record.object_id: record for record in some}
            current = self.objects.read(list(batch))
            for object_id, record in batch.items():
                kept = object_id in current and self._is_as_sent(current[object_id], record.diff)
                record.outcome, record.reason = ("written", None) if kept else ("unknown", record.reason or NOT_KEPT)
            self._receive(list(batch.values()))

    def _intend(self, records: Sequence[RecordDiff]) -> list[SentRecord]:
        object_type = self.objects.object_type
        writes = [_write_of(self.run, object_type, record, change) for record in records for change in record.changed]
        with self.state.writing() as tx:
            rows = iter(intend(tx, writes, self.run.now()))
        return [SentRecord(record, [next(rows) for _ in record.changed]) for record in records]

    def _without_deleted(self, batch: Sequence[SentRecord]) -> Sequence[SentRecord]:
        """Send records that were refused again where somebody deleted properties of ours, without those."""
        refused = [record for record in batch if record.outcome == "rejected"]
        definitions = self.objects.definitions
        if not refused or not (definitions.note_deleted() or definitions.deleted):
            return batch
        for record in refused:
            record.diff.hold_back(definitions.deleted)
        again = self._intend([record.diff for record in refused if record.diff.changed])
        if again:
            self._send(again)
        return [record for record in batch if record not in refused] + again

    def _send(self, batch: Sequence[SentRecord], *, whole: bool = True) -> None:
        try:
            result = self.objects.update([self._input(record) for record in batch])
        except (BadRequest, NotFound) as failure:
            if failure.status not in SPLIT:
                self._conclude(batch, "unknown", failure.message)
                raise
            if len(batch) == 1 or (whole and self.objects.definitions.note_deleted()):
                self._conclude(batch, "rejected", failure.message)
            else:
                middle = len(batch) // 2
                self._send(batch[:middle], whole=False)
                self._send(batch[middle:], whole=False)
        except ApiFailure as failure:
            self._conclude(batch, "unknown", failure.message)
            raise
        else:
            self._match_response(batch, result)

    def _input(self, record: SentRecord) -> Input:
        values = {change.property: change.after for change in record.diff.changed}
        return Input(record.object_id, self.run.trace(record.object_id), values)

    def _match_response(self, batch: Sequence[SentRecord], result: BatchResult) -> None:
        for record in batch:
            object_id = record.object_id
            if object_id in result.refused:
                record.outcome, record.reason = "rejected", result.refused[object_id]
            elif object_id in result.written and self._response_matches(result.written[object_id], record.diff):
                record.outcome = "written"
            else:
                record.reason = "HubSpot's answer did not say what became of it."
        self._receive(batch)

    def _conclude(self, batch: Sequence[SentRecord], outcome: Outcome, reason: str) -> None:
        for record in batch:
            record.outcome, record.reason = outcome, reason
        self._receive(batch)

    def _receive(self, batch: Sequence[SentRecord]) -> None:
        by_outcome: dict[tuple[Outcome, str | None], list[int]] = {}
        for record in batch:
            by_outcome.setdefault((record.outcome, record.reason), []).extend(record.rows)
        with self.state.writing() as tx:
            for (outcome, reason), rows in by_outcome.items():
                receive(tx, rows, outcome, self.run.now(), reason)

    def _is_as_sent(self, current: Mapping[str, str], diff: RecordDiff) -> bool:
        properties = self.objects.object_type.by_name
        return all(properties[change.property].same(current[change.property], change.after) for change in diff.changed)

    def _response_matches(self, echo: Mapping[str, str], diff: RecordDiff) -> bool:
        """Whether the answer, as far as it repeats what was sent, repeats it rightly."""
        properties = self.objects.object_type.by_name
        return all(
            properties[change.property].same(echo[change.property] or "", change.after)
            for change in diff.changed
            if change.property in echo
        )


def _sample(sent: Sequence[SentRecord]) -> list[SentRecord]:
    written = [record for record in sent if record.outcome == "written"]
    return written[:: max(1, len(written) // SAMPLE)][:SAMPLE]


def _stop_if_all_rejected(batch: Sequence[SentRecord], name: str) -> None:
    """Where nothing of a batch can be written, asking on would only be a thousand refusals more."""
    if len(batch) >= MIN_REJECTIONS_TO_ABORT and all(record.outcome == "rejected" for record in batch):
        raise AllRecordsRejected(
            f"HubSpot refused each of {len(batch)} {name} in a row, so the delivery stopped. The last reason: "
            f"{batch[-1].reason} Mend that and run again."
        )
