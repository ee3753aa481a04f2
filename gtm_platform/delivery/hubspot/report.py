"""What became of a delivery, or what a dry run would make of it: counts, reasons, and the diff field by field.

Of records it shows HubSpot's ids and our values, nothing that tells who they are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields

from gtm_platform.delivery.hubspot.diff import Diff, FieldChange, RecordDiff
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.write import SentRecord


@dataclass(frozen=True)
class LinkCounts:
    """How many associations are to be in HubSpot, and what became of them; a dry run's wait."""

    wanted: int = 0
    made: int = 0
    unchanged: int = 0
    rejected: int = 0
    waiting: int = 0

    def __add__(self, other: "LinkCounts") -> "LinkCounts":
        return LinkCounts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def summary(self) -> str:
        """Return the counts as a part of a sentence."""
        counts = f"{self.made:,} made, {self.unchanged:,} unchanged, {self.rejected:,} rejected"
        return f"{self.wanted:,} associations: {counts}" + (f", {self.waiting:,} waiting" if self.waiting else "")


@dataclass(frozen=True)
class DiffLine:
    """A field of an object that would change, or that will not for a reason."""

    label: str  # contact
    object_id: str
    subject_id: str
    property: str
    before: str
    after: str
    note: str = ""
    is_change: bool = False
    provenance: str = ""


@dataclass(frozen=True)
class DeliveryReport:
    """Counts of records, and of fields; `waiting` are the records that a dry run would write.

    `queried` is counted where the plan is made, the rest where records end. What lies between is `lost`.
    Records that were created, or would be, are among those that were written, or wait.
    """

    queried: int
    written: int = 0
    unchanged: int = 0
    held_back: int = 0
    rejected: int = 0
    waiting: int = 0
    fields_written: int = 0
    fields_held_back: int = 0
    lines: tuple[DiffLine, ...] = ()
    causes: Mapping[str, int] = field(default_factory=dict)  # why fields were held back, in words
    healed: int = 0  # fields that were set back to ours
    reasons: tuple[str, ...] = ()
    name: str = "records"  # contacts
    created: int = 0
    links: LinkCounts = LinkCounts()

    def summary(self) -> str:
        """Return the counts as a sentence."""
        return (
            f"{self.queried:,} {self.name}: {self.written:,} written ({self.fields_written:,} fields), "
            f"{self.unchanged:,} unchanged, {self.held_back:,} held, {self.rejected:,} rejected"
            + (f", {self.waiting:,} waiting" if self.waiting else "")
            + (f"; {self.created:,} of them new" if self.created else "")
            + (f"; {self.links.summary()}" if self.links.wanted else "")
        )

    def text(self, limit: int | None = None) -> str:
        """Return the diff as text, a line for each field, and how many lines more it would be."""
        shown = [_sentence(line) for line in self.lines[:limit]]
        if left := len(self.lines) - len(shown):
            shown.append(f"… and {left:,} lines more")
        return "\n".join(shown) or "Nothing would change."

    @property
    def lost(self) -> int:
        """How many records went in that did not come out: less than none where some came out twice."""
        return self.queried - self.written - self.unchanged - self.held_back - self.rejected - self.waiting


def report_of(
    desired: Sequence[DesiredRecord], diff: Diff, sent: Sequence[SentRecord] = (), *, dry_run: bool = False
) -> DeliveryReport:
    """Count what became of every record; a dry run's changes wait."""
    label = diff.object_type.label
    written = [record for record in sent if record.outcome == "written"]
    failed = [record for record in sent if record.outcome != "written"]
    refused = [record for record in diff.records if record.rejected]
    resting = [record for record in diff.records if record.earlier]
    quiet = [record for record in diff.records if not (record.changed or record.rejected or record.earlier)]
    held_back = [record for record in quiet if record.held_back]
    dismissed = sum(record.is_dismissed for record in resting)
    return DeliveryReport(
        name=diff.object_type.name,
        queried=len(desired),
        written=len(written),
        unchanged=len(quiet) - len(held_back) + diff.untouched,
        held_back=len(held_back) + dismissed,
        rejected=len(refused) + len(failed) + len(resting) - dismissed,
        waiting=len(diff.changed) if dry_run else 0,
        fields_written=sum(len(record.diff.changed) for record in written),
        fields_held_back=sum(len(record.held_back) for record in diff.records),
        causes=Counter(change.cause or "" for record in diff.records for change in record.held_back),
        healed=sum(change.author is not None for record in written for change in record.diff.changed),
        lines=tuple(line for record in diff.records for line in _lines(diff.object_type, record)) if dry_run else (),
        reasons=tuple(
            list(diff.unusable.values())
            + [f"{label} {record.desired.object_id}: {record.rejected}" for record in refused]
            + [f"{label} {record.object_id}: {record.reason}" for record in failed]
        ),
    )


def _lines(object_type: ObjectType, record: RecordDiff) -> Iterator[DiffLine]:
    names = (object_type.label, record.desired.object_id, record.desired.subject_id)
    sources = record.desired.provenance
    for change in record.changed:
        note = f"{change.before!r} was set by {change.author}" if change.author else ""
        source = sources.get(change.property, "")
        yield DiffLine(*names, *_shown(object_type, change), note, is_change=True, provenance=source)
    for change in record.held_back:
        note, source = f"held: {change.reason}", sources.get(change.property, "")
        yield DiffLine(*names, *_shown(object_type, change), note, provenance=source)
    if record.earlier:
        what = "dismissed" if record.is_dismissed else f"rejected, tried again {record.earlier.retry_at:%Y-%m-%d %H:%M}"
        yield DiffLine(*names, "", "", "", f"{what}: {record.earlier.reason}")
    if record.rejected:
        yield DiffLine(*names, "", "", "", f"rejected: {record.rejected}")


def _shown(object_type: ObjectType, change: FieldChange) -> tuple[str, str, str]:
    property = object_type.by_name[change.property]
    return change.property, property.shown(change.before), property.shown(change.after)


def _sentence(line: DiffLine) -> str:
    what = f"{line.property}: {line.before!r} -> {line.after!r}" if line.is_change else line.note
    if line.is_change and line.note:
        what = f"{what} ({line.note})"
    return f"{line.label} {line.object_id} ({line.subject_id}): {what}"
