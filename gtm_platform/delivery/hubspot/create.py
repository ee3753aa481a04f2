"""Creating what HubSpot lacks: an intent before each call, a receipt after it, and never a second object.

Each new object carries our record's id in a property whose values HubSpot lets exist once: whatever is sent again,
after a lost answer or by another process, is refused, and the object that is there is taken for it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from gtm_platform.delivery.hubspot.client import CreateResult, HubSpotObjects, NewObject, batches
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.resolve import ANOTHERS, Withheld, resolve
from gtm_platform.delivery.hubspot.turns import intend
from gtm_platform.delivery.hubspot.twins import ARCHIVED, CreatedObject, archive, twins_of
from gtm_platform.delivery.hubspot.write import MIN_REJECTIONS_TO_ABORT, SPLIT, AllRecordsRejected, Run
from gtm_platform.http.errors import ApiFailure, BadRequest, NotFound
from gtm_platform.state import State
from gtm_platform.state.hubspot_creations import creation, pending_creations, placeholder, receive_object
from gtm_platform.state.hubspot_journal import Outcome, Write, conclude, receive
from gtm_platform.state.schema import RECORD_ID

EXISTING = re.compile(r"Existing ID: (\d+)")
WAS_THERE = "HubSpot had it already"
NOT_MADE = "HubSpot did not create it."
WITHHELD = "withheld"  # the cause of what is not created
NO_ANSWER = "HubSpot's answer did not say what became of it; the next run looks it up."


@dataclass
class NewRecord:
    """A record on its way to be created: the journal's row, our values, and what became of it."""

    desired: DesiredRecord
    row: int
    values: Mapping[str, str]
    outcome: Outcome = "unknown"
    object_id: str = ""
    reason: str = ""


@dataclass
class Creations:
    """What became of the records that HubSpot lacked."""

    created: list[DesiredRecord] = field(default_factory=list)
    existing: list[DesiredRecord] = field(default_factory=list)  # there all the same; they are written as others are
    refused: list[Withheld] = field(default_factory=list)
    fields: int = 0


class Creator:
    """Creates objects, batch by batch, and keeps their receipts."""

    def __init__(self, objects: HubSpotObjects, state: State, run: Run) -> None:
        assert objects.object_type.matching is not None
        self.objects, self.state, self.run = objects, state, run
        self.own_id = objects.object_type.matching.id_property.name

    def settle(self) -> None:
        """Look up what became of the creations that a run before sent without getting their answer."""
        name = self.objects.object_type.name
        with self.state.reading() as tx:
            pending = pending_creations(tx, name)
        ids = self._by_own_id(list(pending)) if pending else {}
        current = self._current(list(ids.values()))
        with self.state.writing() as tx:
            for subject_id, intent in pending.items():
                if subject_id not in ids:
                    receive(tx, [intent.id], "rejected", self.run.now(), NOT_MADE)
                    continue
                object_id, run = ids[subject_id], Run(intent.run_id, intent.day, self.run.now)
                record = DesiredRecord(subject_id, object_id, intent.values, dict.fromkeys(intent.values, "{}"))
                self._keep(tx, run, record, intent.id, intent.values, current.get(object_id, {}))

    def create(self, missing: Sequence[DesiredRecord], owners: Mapping[str, str]) -> Creations:
        """Create what is missing; `owners` says which of our records has which object already."""
        creations = Creations()
        for some in batches(missing):
            batch = self._sent(some)
            refused = [new for new in batch if new.outcome == "rejected"]
            if refused and self.objects.definitions.note_deleted():  # then all is sent again but these properties
                self._receive(refused, "rejected", refused[0].reason)
                batch = [new for new in batch if new.outcome != "rejected"] + self._sent([r.desired for r in refused])
            self._adopt(batch, owners)
            self._give_way(batch, owners)
            self._conclude(batch, creations)
            _stop_if_all_refused(batch, self.objects.object_type.name)
        return creations

    def keep_withheld(self, withheld: Sequence[Withheld]) -> None:
        """Journal the records that are not created before a person decides, each with why."""
        if not withheld:
            return
        writes = [(self._write(self.run, record, RECORD_ID, "", ""), reason) for record, reason in withheld]
        with self.state.writing() as tx:
            conclude(tx, [(replace(write, cause=WITHHELD), reason) for write, reason in writes], "held", self.run.now())

    def _sent(self, records: Sequence[DesiredRecord]) -> list[NewRecord]:
        """Journal the intents, send them, and note what the answer says."""
        unusable = self.objects.definitions.unusable()
        values = [
            {name: value for name, value in each.values.items() if value and name not in unusable} for each in records
        ]
        by_name = self.objects.object_type.by_name
        shown = [{name: by_name[name].shown(value) for name, value in each.items()} for each in values]
        intents = [creation(self._write(self.run, r, "", "", ""), v) for r, v in zip(records, shown, strict=True)]
        with self.state.writing() as tx:
            rows = intend(tx, intents, self.run.now())
        batch = [NewRecord(*each) for each in zip(records, rows, values, strict=True)]
        self._send(batch)
        return batch

    def _send(self, batch: Sequence[NewRecord]) -> None:
        try:
            result = self.objects.create([self._input(new) for new in batch])
        except (BadRequest, NotFound) as failure:
            if failure.status not in SPLIT:
                self._receive(batch, "unknown", failure.message)
                raise
            if len(batch) == 1:
                batch[0].outcome, batch[0].reason = "rejected", failure.message
            else:
                middle = len(batch) // 2
                self._send(batch[:middle])
                self._send(batch[middle:])
        except ApiFailure as failure:
            self._receive(batch, "unknown", failure.message)
            raise
        else:
            self._match_answer(batch, result)

    def _input(self, new: NewRecord) -> NewObject:
        desired = new.desired
        own = desired.unmatched.created_with if desired.unmatched else {}
        values = {**own, **new.values, self.own_id: desired.subject_id}
        return NewObject(desired.subject_id, self.run.trace(desired.subject_id), values)

    def _match_answer(self, batch: Sequence[NewRecord], result: CreateResult) -> None:
        left = [new.desired.subject_id for new in batch if new.desired.subject_id not in result.created]
        ids = result.created | (self._by_own_id(left) if left else {})  # as of a call whose answer was lost
        for new in batch:
            subject_id = new.desired.subject_id
            if subject_id in ids:
                new.outcome, new.object_id = "written", ids[subject_id]
            elif subject_id in result.refused:
                new.outcome, new.reason = "rejected", result.refused[subject_id]
            else:
                new.reason = NO_ANSWER

    def _adopt(self, batch: Sequence[NewRecord], owners: Mapping[str, str]) -> None:
        """Take for a refused record the object that somebody else created in the meantime."""
        refused = {new.desired.subject_id: new for new in batch if new.outcome == "rejected"}
        named = {subject: m[1] for subject, new in refused.items() if (m := EXISTING.search(new.reason))}
        live = self._current(list(named.values()))
        ids = {subject: object_id for subject, object_id in named.items() if object_id in live}
        again = [new.desired for subject, new in refused.items() if subject not in ids]
        ids |= {each.subject_id: each.object_id for each in resolve(again, self.objects, self.state).identified}
        for subject_id, object_id in ids.items():
            new, other = refused[subject_id], owners.get(object_id)
            if other is not None:
                label = self.objects.object_type.label
                new.reason = ANOTHERS.format(label=label, id=object_id, other=other)
            else:
                new.outcome, new.object_id, new.reason = "unchanged", object_id, WAS_THERE

    def _give_way(self, batch: Sequence[NewRecord], owners: Mapping[str, str]) -> None:
        """Take for a created record the object that somebody else created at the same moment, and archive ours."""
        made = {new.object_id: new for new in batch if new.outcome == "written"}
        objects = [CreatedObject(id, new.desired.subject_id, _first_key(new.desired)) for id, new in made.items()]
        twins = twins_of(objects, self.objects, {**owners, **{each.id: each.subject_id for each in objects}})
        archive(twins, self.objects, self.state, self.run.id, self.run.now())
        for object_id, twin in twins.items():
            new = made[object_id]
            new.outcome, new.object_id, new.reason = "unchanged", twin, ARCHIVED.format(id=object_id)

    def _conclude(self, batch: Sequence[NewRecord], creations: Creations) -> None:
        """Keep the receipts, with what HubSpot holds of what was created."""
        current = self._current([new.object_id for new in batch if new.outcome == "written"])
        with self.state.writing() as tx:
            for new in batch:
                record = new.desired._replace(object_id=new.object_id, unmatched=None)
                if new.outcome == "written":
                    self._keep(tx, self.run, record, new.row, new.values, current.get(new.object_id, {}))
                    creations.created.append(record)
                    creations.fields += len(new.values)
                elif new.outcome == "unchanged":
                    receive_object(tx, new.row, new.object_id, "unchanged", self.run.now(), new.reason)
                    creations.existing.append(record)
                else:
                    receive(tx, [new.row], new.outcome, self.run.now(), new.reason)
                    creations.refused.append((new.desired, new.reason))

    def _keep(
        self,
        tx: sa.Connection,
        run: Run,
        record: DesiredRecord,
        row: int,
        values: Mapping[str, str],
        current: Mapping[str, str],
    ) -> None:
        """Keep the receipt of a creation and of its fields; one that HubSpot holds empty is written again."""
        now = run.now()
        receive_object(tx, row, record.object_id, "written", now)
        writes: dict[Outcome, list[tuple[Write, str]]] = {"written": [], "unknown": []}
        for name, value in values.items():
            outcome: Outcome = "written" if current.get(name) else "unknown"
            writes[outcome].append((self._write(run, record, name, value, record.provenance.get(name, "{}")), ""))
        for outcome, some in writes.items():
            conclude(tx, some, outcome, now)

    def _receive(self, batch: Sequence[NewRecord], outcome: Outcome, reason: str) -> None:
        with self.state.writing() as tx:
            receive(tx, [new.row for new in batch], outcome, self.run.now(), reason)

    def _write(self, run: Run, record: DesiredRecord, name: str, value: str, provenance: str) -> Write:
        object_type = self.objects.object_type
        return Write(
            run_id=run.id,
            day=run.day,
            object_type=object_type.name,
            object_id=record.object_id or placeholder(record.subject_id),
            customer_id=record.subject_id,
            property=name,
            before="",
            after=object_type.by_name[name].shown(value) if name in object_type.by_name else value,
            provenance=provenance or json.dumps({"day": run.day}),
            trace_id=run.trace(record.subject_id),
        )

    def _by_own_id(self, subject_ids: Sequence[str]) -> dict[str, str]:
        if not self.objects.definitions.has(self.own_id):
            return {}
        return {
            each["properties"][self.own_id]: each["id"]
            for batch in batches(subject_ids)
            for each in self.objects.read_by(self.own_id, batch, [self.own_id])
        }

    def _current(self, object_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        return {id: values for batch in batches(object_ids) for id, values in self.objects.read(batch).items()}


def _first_key(record: DesiredRecord) -> str:
    first = record.unmatched.by_key[0] if record.unmatched else ()
    return first[0] if first else ""


def _stop_if_all_refused(batch: Sequence[NewRecord], name: str) -> None:
    """Where nothing of a batch can be created, asking on would only be a thousand refusals more."""
    if len(batch) >= MIN_REJECTIONS_TO_ABORT and all(new.outcome == "rejected" for new in batch):
        raise AllRecordsRejected(
            f"HubSpot refused to create each of {len(batch)} {name} in a row, so the delivery stopped. The last "
            f"reason: {batch[-1].reason} Mend that and run again."
        )
