"""What became of the records that HubSpot lacked, as part of a delivery's report."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gtm_platform.delivery.hubspot.create import Creations
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.report import DeliveryReport, DiffLine
from gtm_platform.delivery.hubspot.resolve import Resolution, Withheld

NO_OBJECT = "new"


def with_resolution(report: DeliveryReport, object_type: ObjectType, resolution: Resolution) -> DeliveryReport:
    """Return the report of a dry run with what would be created, and what a person has to decide."""
    lines = [line for record in resolution.missing for line in _lines(object_type, record)]
    lines += [_withheld_line(object_type, *each) for each in resolution.withheld]
    return replace(
        report,
        waiting=report.waiting + len(resolution.missing),
        created=len(resolution.missing),
        held_back=report.held_back + len(resolution.withheld),
        lines=(*report.lines, *lines),
    )


def with_creations(
    report: DeliveryReport, object_type: ObjectType, creations: Creations, withheld: Sequence[Withheld]
) -> DeliveryReport:
    """Return the report of a delivery with what was created, and what a person has to decide."""
    reasons = [_reason(object_type, *each) for each in (*creations.refused, *withheld)]
    return replace(
        report,
        written=report.written + len(creations.created),
        created=len(creations.created),
        held_back=report.held_back + len(withheld),
        rejected=report.rejected + len(creations.refused),
        fields_written=report.fields_written + creations.fields,
        reasons=(*report.reasons, *reasons),
    )


def _lines(object_type: ObjectType, record: DesiredRecord) -> Iterator[DiffLine]:
    for name, value in record.values.items():
        if value:
            shown, source = object_type.by_name[name].shown(value), record.provenance.get(name, "")
            names = (object_type.label, NO_OBJECT, record.subject_id, name)
            yield DiffLine(*names, "", shown, provenance=source, is_change=True)


def _withheld_line(object_type: ObjectType, record: DesiredRecord, reason: str) -> DiffLine:
    return DiffLine(object_type.label, NO_OBJECT, record.subject_id, "", "", "", f"held: {reason}")


def _reason(object_type: ObjectType, record: DesiredRecord, reason: str) -> str:
    return f"{object_type.label} of {record.subject_id}: {reason}"
