"""One delivery from end to end: plan in, counts out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gtm_platform.delivery.hubspot.client import HubSpotContacts, batches
from gtm_platform.delivery.hubspot.diff import Field, RecordDiff, as_text, check_blast_radius, claimed_once, compare
from gtm_platform.delivery.hubspot.plan import Desired
from gtm_platform.delivery.hubspot.properties import OURS, used_options
from gtm_platform.delivery.hubspot.send import CONTACTS, Run, Sender, Sent, write_of
from gtm_platform.state import State
from gtm_platform.state import audit as trail
from gtm_platform.state.hubspot_journal import FieldState, Write, conclude, field_states, newest, receive

SAMPLE = 20  # records read back after each run


class Unaccounted(RuntimeError):
    """Records went in that did not come out as written, unchanged, held or rejected."""


@dataclass(frozen=True)
class Guard:
    """How much of what we wrote before one run may replace."""

    share: float
    allowance: int


@dataclass(frozen=True)
class Delivered:
    """Counts of records, and of fields; `waiting` are the records that a dry run would write."""

    queried: int
    written: int = 0
    unchanged: int = 0
    held: int = 0
    rejected: int = 0
    waiting: int = 0
    fields_written: int = 0
    fields_held: int = 0
    diff: str = ""
    reasons: tuple[str, ...] = ()

    def summary(self) -> str:
        return (
            f"{self.queried:,} contacts: {self.written:,} written ({self.fields_written:,} fields), "
            f"{self.unchanged:,} unchanged, {self.held:,} held, {self.rejected:,} rejected"
            + (f", {self.waiting:,} waiting" if self.waiting else "")
        )

    def checked(self) -> "Delivered":
        if self.queried != self.written + self.unchanged + self.held + self.rejected + self.waiting:
            raise Unaccounted(
                f"{self.queried} contacts were to be delivered, but {self.written} written, {self.unchanged} "
                f"unchanged, {self.held} held, {self.rejected} rejected and {self.waiting} waiting are not that many. "
                "Run again: what HubSpot holds is read anew."
            )
        return self


def deliver(
    desired: Sequence[Desired],
    contacts: HubSpotContacts,
    state: State,
    run: Run,
    guard: Guard | None = None,
    *,
    dry_run: bool = False,
) -> Delivered:
    """Brings HubSpot to what is desired, as far as nobody else changed it and HubSpot takes it."""
    clear, contested = claimed_once(desired)
    unsettled = _unsettled(clear, state)
    records = [record for batch in batches(unsettled) for record in _look(batch, contacts, state)]
    untouched = len(clear) - len(unsettled)
    changed = [record for record in records if record.changed]
    if dry_run:
        told = _counted(contested + records, untouched, waiting=len(changed))
        return replace(told, diff=as_text(contested + records))
    if guard:
        check_blast_radius(records, len(clear), guard.share, guard.allowance)
    _journal(contested + records, state, run)
    if changed:
        values = [record.desired.values for record in changed]
        contacts.define(OURS.values(), lambda property: used_options(property, values))
    sender = Sender(contacts, state, run)
    sent = sender.send(changed)
    sender.read_back(_sample(sent))
    delivered = _counted(contested + records, untouched, sent)
    _audit(state, run, delivered)
    return delivered


def _unsettled(desired: Sequence[Desired], state: State) -> list[Desired]:
    """Those that HubSpot is to hold otherwise than was agreed on last. The others need no look: what a person made of
    ours since is not to be changed anyway. An empty value is not journaled where nothing was there before."""
    with state.reading() as tx:
        agreed = newest(tx, CONTACTS, list(OURS))
    nothing = dict.fromkeys(OURS, "")
    return [one for one in desired if not one.values.items() <= agreed.get(one.object_id, nothing).items()]


def _look(batch: Sequence[Desired], contacts: HubSpotContacts, state: State) -> list[RecordDiff]:
    ids = [one.object_id for one in batch]
    holds = contacts.read(ids, list(OURS))
    known: dict[str, dict[str, FieldState]] = {}
    with state.reading() as tx:
        for (object_id, property), standing in field_states(tx, CONTACTS, ids).items():
            known.setdefault(object_id, {})[property] = standing
    return [compare(one, holds.get(one.object_id), known.get(one.object_id, {})) for one in batch]


def _journal(records: Sequence[RecordDiff], state: State, run: Run) -> None:
    """What was learnt by looking: values that had arrived after all, values agreed on, fields not to be touched."""
    telling = [record for record in records if record.found or record.agreed or record.held or record.rejected]
    for batch in batches(telling):
        with state.writing() as tx:
            now, found = run.now(), [row for record in batch for row in record.found]
            receive(tx, found, "written", now, "found in HubSpot when it was read again")
            conclude(tx, [told for one in batch for told in _told(run, one, one.agreed)], "unchanged", now)
            conclude(tx, [told for one in batch for told in _told(run, one, one.held)], "held", now)
            conclude(tx, [told for one in batch for told in _told(run, one, one.refused)], "rejected", now)


def _told(run: Run, record: RecordDiff, fields: Sequence[Field]) -> list[tuple[Write, str]]:
    return [(write_of(run, record, field), field.reason) for field in fields]


def _sample(sent: Sequence[Sent]) -> list[Sent]:
    written = [one for one in sent if one.outcome == "written"]
    return written[:: max(1, len(written) // SAMPLE)][:SAMPLE]


def _counted(records: Sequence[RecordDiff], untouched: int, sent: Sequence[Sent] = (), waiting: int = 0) -> Delivered:
    written = [one for one in sent if one.outcome == "written"]
    failed = [one for one in sent if one.outcome != "written"]
    refused = [record for record in records if record.rejected]
    quiet = [record for record in records if not record.changed and not record.rejected]
    held = [record for record in quiet if record.held]
    return Delivered(
        queried=len(records) + untouched,
        written=len(written),
        unchanged=len(quiet) - len(held) + untouched,
        held=len(held),
        rejected=len(refused) + len(failed),
        waiting=waiting,
        fields_written=sum(len(one.diff.changed) for one in written),
        fields_held=sum(len(record.held) for record in records),
        reasons=tuple(
            [f"contact {record.desired.object_id}: {record.rejected}" for record in refused]
            + [f"contact {one.diff.desired.object_id}: {one.reason}" for one in failed]
        ),
    ).checked()


def _audit(state: State, run: Run, delivered: Delivered) -> None:
    told = {"day": run.day, "written": delivered.written, "fields": delivered.fields_written}
    with state.writing() as tx:
        trail.note(tx, run.now(), "delivery", "hubspot.write", f"run {run.id}", told)
