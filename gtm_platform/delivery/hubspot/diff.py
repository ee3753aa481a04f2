"""What would change: the plan against what HubSpot holds now and what we wrote last.

Nothing is written here, in HubSpot or in the journal. Whose value stands where somebody changed ours: `conflicts`.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gtm_platform.delivery.hubspot.client import HubSpotObjects, batches
from gtm_platform.delivery.hubspot.conflicts import ForeignValue, authors_of, goes_over
from gtm_platform.delivery.hubspot.history import Author
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.properties import Property
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.state import State
from gtm_platform.state.hubspot_confirmed import NOTHING, as_text, last_confirmed, values_of
from gtm_platform.state.hubspot_journal import FieldState, field_states
from gtm_platform.state.hubspot_rejections import Rejection, digest_of, rejections

GONE = "HubSpot has no live {label} with this id: it was deleted or merged. The next sync will notice."
CLAIMED_TWICE = "Several records claim this {label}, so none of their values is written. Merge or separate them first."
STALE, BEFORE_US, GONE_CAUSE, CLAIMED = "stale", "before_us", "gone", "claimed_twice"


@dataclass(frozen=True)
class FieldChange:
    """A field as HubSpot holds it and as it is to be."""

    property: str
    before: str
    after: str
    ours: bool  # HubSpot holds what we wrote there before
    reason: str = ""
    cause: str | None = None  # in a word: who changed ours before, or what keeps it from being written
    author: Author | None = None  # of the value before, where it is not ours


@dataclass
class RecordDiff:
    """What a look at one object in HubSpot showed, field by field."""

    desired: DesiredRecord
    changed: list[FieldChange] = field(default_factory=list)
    held_back: list[FieldChange] = field(default_factory=list)
    confirmed: list[FieldChange] = field(default_factory=list)  # the same already, and not yet known to the journal
    arrived: list[int] = field(default_factory=list)  # pending writes whose value HubSpot turns out to hold
    rejected: str | None = None
    cause: str = ""  # of the rejection, in a word
    earlier: Rejection | None = None  # HubSpot refused these very values, so they are not sent now

    def hold_back(self, reasons: Mapping[str, str]) -> None:
        """Keep what would go to some properties from being written, each for the reason."""
        kept = [replace(each, reason=reasons[each.property]) for each in self.changed if each.property in reasons]
        self.held_back += kept
        self.changed = [change for change in self.changed if change.property not in reasons]

    @property
    def refused(self) -> list[FieldChange]:
        """Every field of a record that is rejected now, which was not looked into."""
        values = self.desired.values.items() if self.rejected else ()
        return [FieldChange(name, "", after, False, self.rejected or "", self.cause) for name, after in values]

    @property
    def is_dismissed(self) -> bool:
        """Whether a person decided that these values are not sent again."""
        return self.earlier is not None and self.earlier.dismissed_at is not None


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

    def with_records(self, records: "Sequence[RecordDiff]") -> "Diff":
        """Return it with more records that need no look."""
        return replace(self, records=[*self.records, *records])

    def without(self, unusable: Mapping[str, str]) -> "Diff":
        """Return it with what would go to some properties held back, each for the reason."""
        for record in self.records if unusable else ():
            record.hold_back(unusable)
        return replace(self, unusable={**self.unusable, **unusable})

    @property
    def changed(self) -> list[RecordDiff]:
        """The records of which a field is to be written."""
        return [record for record in self.records if record.changed]


def compute_diff(desired: Sequence[DesiredRecord], objects: HubSpotObjects, state: State, rules: DeliveryRules) -> Diff:
    """Compare the plan with HubSpot, as far as it differs from what was confirmed last."""
    single, decided = _split_contested(desired, objects.object_type)
    unsettled, waiting = _unsettled(single, objects.object_type, state, rules)
    due, resting = split_resting(unsettled, objects.object_type, state, rules)
    unusable = objects.definitions.unusable() if due else {}
    if unusable:
        due = [without_fields(record, unusable) for record in due]
    looked_at = [record for batch in batches(due) for record in _look(batch, objects, state, rules)]
    untouched = len(single) - len(unsettled) - len(waiting)
    records = [*decided, *resting, *waiting, *looked_at]
    return Diff(objects.object_type, records, untouched, len(single), unusable)


def _split_contested(
    desired: Sequence[DesiredRecord], object_type: ObjectType
) -> tuple[list[DesiredRecord], list[RecordDiff]]:
    """The plan without objects that several records claim, and those."""
    claims = Counter(record.object_id for record in desired)
    single = [record for record in desired if claims[record.object_id] == 1]
    reason = CLAIMED_TWICE.format(label=object_type.label)
    contested = [record for record in desired if claims[record.object_id] > 1]
    return single, [RecordDiff(record, rejected=reason, cause=CLAIMED) for record in contested]


def _unsettled(
    desired: Sequence[DesiredRecord], object_type: ObjectType, state: State, rules: DeliveryRules
) -> tuple[list[DesiredRecord], list[RecordDiff]]:
    """Those that HubSpot is to hold otherwise than was confirmed last, and those of which only stale values differ.

    The rest needs no look: what a person made of ours since is not to be changed anyway. An empty value is not
    journaled where nothing was written before.
    """
    different = differing(desired, object_type, state)
    if not rules.stale:
        return [record for record, _ in different], []
    look, waiting = [], []
    for record, text in different:
        fresh = {name: value for name, value in record.values.items() if name not in rules.stale}
        if text is not None and _holds(text, fresh):
            waiting.append(RecordDiff(record, held_back=_waiting(record, values_of(text), object_type, rules)))
        else:
            look.append(record)
    return look, waiting


def differing(
    desired: Sequence[DesiredRecord], object_type: ObjectType, state: State
) -> list[tuple[DesiredRecord, str | None]]:
    """Return the records that are wanted otherwise than was confirmed last, each with the text of that."""
    with state.reading() as tx:
        ids = [record.object_id for record in desired]
        confirmed = last_confirmed(tx, object_type.name, object_type.names, ids)
    pairs = ((record, confirmed.get(record.object_id, NOTHING)) for record in desired)
    return [(record, text) for record, text in pairs if not _holds(text, _as_journaled(object_type, record.values))]


def _as_journaled(object_type: ObjectType, values: Mapping[str, str]) -> Mapping[str, str]:
    """The values as the journal has them, which keeps nothing personal."""
    personal = {name: object_type.by_name[name].shown(values[name]) for name in object_type.personal & values.keys()}
    return {**values, **personal} if personal else values


def without_fields(record: DesiredRecord, names: Collection[str]) -> DesiredRecord:
    """Return a record that leaves some properties as they are."""
    return record._replace(values={name: value for name, value in record.values.items() if name not in names})


def _holds(text: str | None, values: Mapping[str, str]) -> bool:
    """Whether each of the values was confirmed. They nearly always are just the same, which is quick to see."""
    if text is None:
        return False
    if text == as_text(values):
        return True
    confirmed = values_of(text)
    return all(confirmed.get(name, "") == value for name, value in values.items())


def _waiting(
    record: DesiredRecord, before: Mapping[str, str], object_type: ObjectType, rules: DeliveryRules
) -> list[FieldChange]:
    return [
        FieldChange(name, before.get(name, ""), record.values[name], False, reason, STALE)
        for name, reason in rules.stale.items()
        if name in record.values and not object_type.by_name[name].same(before.get(name, ""), record.values[name])
    ]


def split_resting(
    desired: Sequence[DesiredRecord], object_type: ObjectType, state: State, rules: DeliveryRules
) -> tuple[list[DesiredRecord], list[RecordDiff]]:
    """Return the records that may be sent, and those that HubSpot refused of late or that were dismissed."""
    with state.reading() as tx:
        refused = {each.subject_id: each for each in rejections(tx, object_type.name)}
    due, resting = [], []
    for record in desired:
        earlier = refused.get(record.subject_id)
        if earlier and rules.now and earlier.rests(digest_of(record.values), rules.now):
            resting.append(RecordDiff(record, earlier=earlier))
        else:
            due.append(record)
    return due, resting


def _look(
    batch: Sequence[DesiredRecord], objects: HubSpotObjects, state: State, rules: DeliveryRules
) -> list[RecordDiff]:
    ids = [record.object_id for record in batch]
    current = objects.read(ids)
    states = states_of(objects.object_type, ids, state)
    records = [
        compare(objects.object_type, record, current.get(record.object_id), states.get(record.object_id, {}), rules)
        for record in batch
    ]
    foreign = {
        record.desired.object_id: [change.property for change in record.held_back if change.cause != STALE]
        for record in records
    }
    authors = authors_of(foreign, objects)
    for record in records:
        settle_conflicts(record, objects.object_type.by_name, authors, states.get(record.desired.object_id, {}), rules)
    return records


def states_of(object_type: ObjectType, ids: Sequence[str], state: State) -> dict[str, dict[str, FieldState]]:
    """Return what the journal knows of the fields of some objects, by object and property."""
    states: dict[str, dict[str, FieldState]] = {}
    with state.reading() as tx:
        for (object_id, name), field_state in field_states(tx, object_type.name, ids).items():
            states.setdefault(object_id, {})[name] = field_state
    return states


def compare(
    object_type: ObjectType,
    desired: DesiredRecord,
    current: Mapping[str, str] | None,
    states: Mapping[str, FieldState],
    rules: DeliveryRules,
) -> RecordDiff:
    """Compare a record with what HubSpot holds (None where it is gone) and with what the journal knows.

    What is not ours is held back, until it is known who changed it.
    """
    record = RecordDiff(desired)
    if current is None:
        record.rejected, record.cause = GONE.format(label=object_type.label), GONE_CAUSE
        return record
    for name, after in desired.values.items():
        before, state, same = current.get(name, ""), states.get(name, FieldState()), object_type.by_name[name].same
        arrived = [row for row, value in state.pending.items() if same(value, before)]
        is_ours = state.confirmed is not None and same(state.confirmed, before)
        record.arrived += arrived
        if same(before, after):
            if state.withheld_last or (not is_ours and not arrived and (before or state.confirmed)):
                record.confirmed.append(FieldChange(name, before, after, False, "HubSpot held it already"))
        elif name in rules.stale:
            record.held_back.append(FieldChange(name, before, after, False, rules.stale[name], STALE))
        elif is_ours or arrived:
            record.changed.append(FieldChange(name, before, after, True))
        elif before == "" and state.confirmed is None:
            record.changed.append(FieldChange(name, before, after, False))
        else:
            record.held_back.append(FieldChange(name, before, after, False))
    return record


def settle_conflicts(
    record: RecordDiff,
    properties: Mapping[str, Property],
    authors: Mapping[tuple[str, str], Author],
    states: Mapping[str, FieldState],
    rules: DeliveryRules,
) -> None:
    """Decide of each value that is not ours whether ours goes over it, and say who or what set it."""
    held_back, record.held_back = record.held_back, []
    for change in held_back:
        if change.cause == STALE:
            record.held_back.append(change)
            continue
        state = states.get(change.property, FieldState())
        author = authors.get((record.desired.object_id, change.property))
        if author and author.value != change.before:  # it changed again since it was read: the next run sees it whole
            author = None
        foreign = ForeignValue(properties[change.property], change.before, change.after, state, author)
        cause = BEFORE_US if state.confirmed is None else author.kind if author else "other"
        settled = FieldChange(change.property, change.before, change.after, False, foreign.reason, cause, author)
        (record.changed if goes_over(foreign, rules) else record.held_back).append(settled)
