"""What would change: the plan against what HubSpot holds now and what we wrote last, and the guard on it.

Nothing is written here, in HubSpot or in the journal.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gtm_platform.delivery.hubspot.client import HubSpotObjects, batches
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.state import State
from gtm_platform.state.hubspot_journal import FieldState, field_states, last_confirmed

GONE = "HubSpot has no live {label} with this id: it was deleted or merged. The next sync will notice."
CLAIMED_TWICE = "Several records claim this {label}, so none of their values is written. Merge or separate them first."


class TooMuchWouldChange(RuntimeError):
    """The guard against a mistake that rewrites everybody; the sentence says what to do."""


@dataclass(frozen=True)
class FieldChange:
    """A field as HubSpot holds it and as it is to be."""

    property: str
    before: str
    after: str
    ours: bool  # HubSpot holds what we wrote there before
    reason: str = ""


@dataclass
class RecordDiff:
    """What a look at one object in HubSpot showed, field by field."""

    desired: DesiredRecord
    changed: list[FieldChange] = field(default_factory=list)
    held_back: list[FieldChange] = field(default_factory=list)
    confirmed: list[FieldChange] = field(default_factory=list)  # the same already, and not yet known to the journal
    arrived: list[int] = field(default_factory=list)  # pending writes whose value HubSpot turns out to hold
    rejected: str | None = None

    def hold_back(self, reasons: Mapping[str, str]) -> None:
        """Keep what would go to some properties from being written, each for the reason."""
        kept = [replace(each, reason=reasons[each.property]) for each in self.changed if each.property in reasons]
        self.held_back += kept
        self.changed = [change for change in self.changed if change.property not in reasons]

    @property
    def refused(self) -> list[FieldChange]:
        """Every field of a rejected record, which was not looked into."""
        values = self.desired.values.items() if self.rejected else ()
        return [FieldChange(name, "", after, False, self.rejected or "") for name, after in values]


@dataclass(frozen=True)
class Diff:
    """All that was looked at; how many records needed no look; and how many claim an object alone.

    Of the properties in `unusable` nothing is delivered, each for the reason.
    """

    object_type: ObjectType
    records: Sequence[RecordDiff]
    untouched: int
    claiming_alone: int
    unusable: Mapping[str, str] = field(default_factory=dict)

    def joined(self, other: "Diff") -> "Diff":
        """Return it with what was looked at later."""
        return Diff(
            self.object_type,
            [*self.records, *other.records],
            self.untouched + other.untouched,
            self.claiming_alone + other.claiming_alone,
            {**self.unusable, **other.unusable},
        )

    def without(self, unusable: Mapping[str, str]) -> "Diff":
        """Return it with what would go to some properties held back, each for the reason."""
        for record in self.records if unusable else ():
            record.hold_back(unusable)
        return replace(self, unusable={**self.unusable, **unusable})

    @property
    def changed(self) -> list[RecordDiff]:
        """The records of which a field is to be written."""
        return [record for record in self.records if record.changed]


@dataclass(frozen=True)
class Guard:
    """The limit on how many records may have a value that we wrote before replaced in one run.

    A first write of a property replaces nothing of ours and never counts.
    """

    share: float
    min_records: int
    max_creations: int = 500  # objects that one run may create

    def check(self, diff: Diff) -> None:
        """Stop when more of the records would have a value of ours replaced than the policy allows."""
        replaced = sum(any(change.ours for change in record.changed) for record in diff.records)
        if replaced > self.min_records and replaced > self.share * diff.claiming_alone:
            raise TooMuchWouldChange(
                f"{replaced:,} of {diff.claiming_alone:,} {diff.object_type.name} would change, more than the "
                f"{self.share:.0%} that the policy (hubspot.max_change_share) allows in one run; nothing was "
                "written. Look at the dry run; if it is right, run again with allow_mass_change."
            )


def compute_diff(desired: Sequence[DesiredRecord], objects: HubSpotObjects, state: State) -> Diff:
    """Compare the plan with HubSpot, as far as it differs from what was confirmed last."""
    single, contested = _split_contested(desired, objects.object_type)
    unsettled = _unsettled(single, objects.object_type, state)
    unusable = objects.definitions.unusable() if unsettled else {}
    if unusable:
        unsettled = [_without(record, unusable) for record in unsettled]
    looked_at = [record for batch in batches(unsettled) for record in _look(batch, objects, state)]
    return Diff(objects.object_type, contested + looked_at, len(single) - len(unsettled), len(single), unusable)


def _split_contested(
    desired: Sequence[DesiredRecord], object_type: ObjectType
) -> tuple[list[DesiredRecord], list[RecordDiff]]:
    """The plan without objects that several records claim, and those."""
    claims = Counter(record.object_id for record in desired)
    single = [record for record in desired if claims[record.object_id] == 1]
    reason = CLAIMED_TWICE.format(label=object_type.label)
    return single, [RecordDiff(record, rejected=reason) for record in desired if claims[record.object_id] > 1]


def _unsettled(desired: Sequence[DesiredRecord], object_type: ObjectType, state: State) -> list[DesiredRecord]:
    """Those that HubSpot is to hold otherwise than was confirmed last.

    The rest needs no look: what a person made of ours since is not to be changed anyway. An empty value is not
    journaled where nothing was written before.
    """
    with state.reading() as tx:
        confirmed = last_confirmed(tx, object_type.name, object_type.names)
    nothing = dict.fromkeys(object_type.names, "")
    return [
        record
        for record in desired
        if not _holds(confirmed.get(record.object_id, nothing), _as_journaled(object_type, record.values))
    ]


def _as_journaled(object_type: ObjectType, values: Mapping[str, str]) -> Mapping[str, str]:
    """The values as the journal has them, which keeps nothing personal."""
    personal = {name: object_type.by_name[name].shown(values[name]) for name in object_type.personal & values.keys()}
    return {**values, **personal} if personal else values


def _without(record: DesiredRecord, names: Collection[str]) -> DesiredRecord:
    return record._replace(values={name: value for name, value in record.values.items() if name not in names})


def _holds(confirmed: Mapping[str, str], values: Mapping[str, str]) -> bool:
    """Whether each of the values was confirmed. They nearly always are just the same, which is quick to see."""
    return confirmed == values or values.items() <= confirmed.items()


def _look(batch: Sequence[DesiredRecord], objects: HubSpotObjects, state: State) -> list[RecordDiff]:
    ids = [record.object_id for record in batch]
    current = objects.read(ids)
    states: dict[str, dict[str, FieldState]] = {}
    with state.reading() as tx:
        for (object_id, name), field_state in field_states(tx, objects.object_type.name, ids).items():
            states.setdefault(object_id, {})[name] = field_state
    return [
        compare(objects.object_type, record, current.get(record.object_id), states.get(record.object_id, {}))
        for record in batch
    ]


def compare(
    object_type: ObjectType,
    desired: DesiredRecord,
    current: Mapping[str, str] | None,
    states: Mapping[str, FieldState],
) -> RecordDiff:
    """Compare a record with what HubSpot holds (None where it is gone) and with what the journal knows."""
    record = RecordDiff(desired)
    if current is None:
        record.rejected = GONE.format(label=object_type.label)
        return record
    for name, after in desired.values.items():
        before, state, same = current.get(name, ""), states.get(name, FieldState()), object_type.by_name[name].same
        arrived = [row for row, value in state.pending.items() if same(value, before)]
        is_ours = state.confirmed is not None and same(state.confirmed, before)
        record.arrived += arrived
        if same(before, after):
            if not is_ours and not arrived and (before or state.confirmed):
                record.confirmed.append(FieldChange(name, before, after, False, "HubSpot held it already"))
        elif is_ours or arrived:
            record.changed.append(FieldChange(name, before, after, True))
        elif before == "" and state.confirmed is None:
            record.changed.append(FieldChange(name, before, after, False))
        else:
            shown = object_type.by_name[name].shown(before)
            record.held_back.append(FieldChange(name, before, after, False, _reason_held_back(name, shown, state)))
    return record


def _reason_held_back(name: str, before: str, state: FieldState) -> str:
    if state.confirmed is None:
        return f"{name} held {before!r} before we ever wrote it. Clear it in HubSpot to hand it over."
    return (
        f"{name} was changed in HubSpot from our {state.confirmed!r} to {before!r} and is left alone. "
        f"Set it back to {state.confirmed!r} to hand it over."
    )
