"""Writing the changes: an intent before each call, a receipt after each answer; a bad record never stops the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gtm_platform.delivery.hubspot.client import Answer, HubSpotContacts, Input, batches
from gtm_platform.delivery.hubspot.diff import Field, RecordDiff
from gtm_platform.delivery.hubspot.properties import OURS
from gtm_platform.http.errors import ApiFailure, BadRequest, NotFound
from gtm_platform.state import State
from gtm_platform.state.hubspot_journal import Outcome, Write, intend, receive

CONTACTS = "contacts"
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
        return f"{self.id[:8]}-{object_id}"


@dataclass
class Sent:
    """A record on its way: the journal's rows of its fields, and what became of it."""

    diff: RecordDiff
    rows: list[int]
    outcome: Outcome = "unknown"
    reason: str | None = None


def write_of(run: Run, record: RecordDiff, field: Field) -> Write:
    desired = record.desired
    return Write(
        run_id=run.id,
        day=run.day,
        object_type=CONTACTS,
        object_id=desired.object_id,
        customer_id=desired.customer_id,
        property=field.property,
        before=field.before,
        after=field.after,
        provenance=desired.provenance[field.property],
        trace_id=run.trace(desired.object_id),
    )


@dataclass(frozen=True)
class Sender:
    contacts: HubSpotContacts
    state: State
    run: Run

    def send(self, records: Sequence[RecordDiff]) -> list[Sent]:
        sent: list[Sent] = []
        for some in batches(records):
            batch = self._intend(some)
            self._send(batch)
            _stop_if_none_is_taken(batch)
            sent += batch
        self.read_back([one for one in sent if one.outcome == "unknown"])
        return sent

    def read_back(self, sent: Sequence[Sent]) -> None:
        """Asks HubSpot what it holds now, and corrects what is believed of the records."""
        for some in batches(sent):
            batch = {one.diff.desired.object_id: one for one in some}
            holds = self.contacts.read(list(batch), list(OURS))
            for id, one in batch.items():
                kept = id in holds and _holds(holds[id], one.diff)
                one.outcome, one.reason = ("written", None) if kept else ("unknown", one.reason or NOT_KEPT)
            self._receive(list(batch.values()))

    def _intend(self, records: Sequence[RecordDiff]) -> list[Sent]:
        writes = [write_of(self.run, record, field) for record in records for field in record.changed]
        with self.state.writing() as tx:
            rows = iter(intend(tx, writes, self.run.now()))
        return [Sent(record, [next(rows) for _ in record.changed]) for record in records]

    def _send(self, batch: Sequence[Sent]) -> None:
        try:
            answer = self.contacts.update([self._input(one) for one in batch])
        except (BadRequest, NotFound) as failure:
            if failure.status not in SPLIT:
                self._conclude(batch, "unknown", failure.message)
                raise
            if len(batch) == 1:
                self._conclude(batch, "rejected", failure.message)
            else:
                middle = len(batch) // 2
                self._send(batch[:middle])
                self._send(batch[middle:])
        except ApiFailure as failure:
            self._conclude(batch, "unknown", failure.message)
            raise
        else:
            self._match_response(batch, answer)

    def _input(self, one: Sent) -> Input:
        id = one.diff.desired.object_id
        return Input(id, self.run.trace(id), {field.property: field.after for field in one.diff.changed})

    def _match_response(self, batch: Sequence[Sent], answer: Answer) -> None:
        for one in batch:
            id = one.diff.desired.object_id
            if id in answer.refused:
                one.outcome, one.reason = "rejected", answer.refused[id]
            elif id in answer.kept and _response_matches(answer.kept[id], one.diff):
                one.outcome = "written"
            else:
                one.reason = "HubSpot's answer did not say what became of it."
        self._receive(batch)

    def _conclude(self, batch: Sequence[Sent], outcome: Outcome, reason: str) -> None:
        for one in batch:
            one.outcome, one.reason = outcome, reason
        self._receive(batch)

    def _receive(self, batch: Sequence[Sent]) -> None:
        alike: dict[tuple[Outcome, str | None], list[int]] = {}
        for one in batch:
            alike.setdefault((one.outcome, one.reason), []).extend(one.rows)
        with self.state.writing() as tx:
            for (outcome, reason), rows in alike.items():
                receive(tx, rows, outcome, self.run.now(), reason)


def _stop_if_none_is_taken(batch: Sequence[Sent]) -> None:
    """Where nothing of a batch can be written, asking on would only be a thousand refusals more."""
    if len(batch) >= MIN_REJECTIONS_TO_ABORT and all(one.outcome == "rejected" for one in batch):
        raise AllRecordsRejected(
            f"HubSpot refused each of {len(batch)} contacts in a row, so the delivery stopped. The last reason: "
            f"{batch[-1].reason} Mend that and run again."
        )


def _holds(holds: dict[str, str], diff: RecordDiff) -> bool:
    return all(OURS[field.property].same(holds[field.property], field.after) for field in diff.changed)


def _response_matches(values: object, diff: RecordDiff) -> bool:
    """Whether the answer, as far as it repeats what was sent, repeats it rightly."""
    echo = values if isinstance(values, dict) else {}
    return all(
        OURS[field.property].same(echo[field.property] or "", field.after)
        for field in diff.changed
        if field.property in echo
    )
