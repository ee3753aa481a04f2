"""What would change: the plan against what HubSpot holds now and what we wrote last, and the guards on it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gtm_platform.delivery.hubspot.plan import Desired
from gtm_platform.delivery.hubspot.properties import OURS
from gtm_platform.state.hubspot_journal import FieldState

GONE = "HubSpot has no live contact with this id: it was deleted or merged. The next sync will notice."
CLAIMED_TWICE = (
    "Several customers claim this contact, so none of their values is written. Merge or separate them first."
)


class TooMuchWouldChange(RuntimeError):
    """The guard against a mistake that rewrites everybody; the sentence says what to do."""


@dataclass(frozen=True)
class Field:
    property: str
    before: str
    after: str
    ours: bool  # HubSpot holds what we wrote there before
    reason: str = ""


@dataclass
class RecordDiff:
    desired: Desired
    changed: list[Field] = field(default_factory=list)
    held: list[Field] = field(default_factory=list)
    agreed: list[Field] = field(default_factory=list)  # the same already, and not yet known to the journal
    found: list[int] = field(default_factory=list)  # open intents whose value HubSpot turns out to hold
    rejected: str | None = None

    @property
    def refused(self) -> list[Field]:
        """Every field of a rejected record, which was not looked into."""
        fields = self.desired.values.items() if self.rejected else ()
        return [Field(name, "", after, False, self.rejected or "") for name, after in fields]


def compare(desired: Desired, holds: Mapping[str, str] | None, field_states: Mapping[str, FieldState]) -> RecordDiff:
    """`holds`: what HubSpot has, None where the contact is gone. `standings`: what the journal knows, by property."""
    record = RecordDiff(desired)
    if holds is None:
        record.rejected = GONE
        return record
    for name, after in desired.values.items():
        before, standing, same = holds.get(name, ""), field_states.get(name, FieldState()), OURS[name].same
        found = [row for row, value in standing.open.items() if same(value, before)]
        agreed = standing.agreed is not None and same(standing.agreed, before)
        record.found += found
        if same(before, after):
            if not agreed and not found and (before or standing.agreed):
                record.agreed.append(Field(name, before, after, False, "HubSpot held it already"))
        elif agreed or found:
            record.changed.append(Field(name, before, after, True))
        elif before == "" and standing.agreed is None:
            record.changed.append(Field(name, before, after, False))
        else:
            record.held.append(Field(name, before, after, False, _why_held(name, before, standing)))
    return record


def _why_held(name: str, before: str, standing: FieldState) -> str:
    if standing.agreed is None:
        return f"{name} held {before!r} before we ever wrote it. Clear it in HubSpot to hand it over."
    return (
        f"{name} was changed in HubSpot from our {standing.agreed!r} to {before!r} and is left alone. "
        f"Set it back to {standing.agreed!r} to hand it over."
    )


def claimed_once(desired: Sequence[Desired]) -> tuple[list[Desired], list[RecordDiff]]:
    """The plan without contacts that several customers claim, and those."""
    claims = Counter(one.object_id for one in desired)
    clear = [one for one in desired if claims[one.object_id] == 1]
    contested = [one for one in desired if claims[one.object_id] > 1]
    return clear, [RecordDiff(one, rejected=CLAIMED_TWICE) for one in contested]


def check_blast_radius(records: Sequence[RecordDiff], of: int, share: float, allowance: int) -> None:
    """Stops when more of the records would have a value of ours replaced than the policy allows; a first write of a
    property replaces nothing of ours."""
    replaced = sum(any(field.ours for field in record.changed) for record in records)
    if replaced > allowance and replaced > share * of:
        raise TooMuchWouldChange(
            f"{replaced:,} of {of:,} contacts would change, more than the {share:.0%} that the policy "
            "(hubspot.max_change_share) allows in one run; nothing was written. Look at the dry run; if it is "
            "right, run again with allow_mass_change."
        )


def as_text(records: Iterable[RecordDiff]) -> str:
    """The dry run, field by field."""
    lines = []
    for record in records:
        who = f"contact {record.desired.object_id} (customer {record.desired.customer_id})"
        lines += [f"{who}: {field.property}: {field.before!r} -> {field.after!r}" for field in record.changed]
        lines += [f"{who}: held: {field.reason}" for field in record.held]
        if record.rejected:
            lines.append(f"{who}: rejected: {record.rejected}")
    return "\n".join(lines) or "Nothing would change."
