"""One delivery from end to end: plan in, report out. Each step takes what the one before it made."""

from collections.abc import Sequence

from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.create import Creations, Creator
from gtm_platform.delivery.hubspot.creation_report import with_creations, with_resolution
from gtm_platform.delivery.hubspot.diff import compute_diff, split_resting, without_fields
from gtm_platform.delivery.hubspot.guard import Guard, Volume
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.refusals import keep_refusals
from gtm_platform.delivery.hubspot.report import DeliveryReport, report_of
from gtm_platform.delivery.hubspot.resolve import NO_ID, Resolution, resolve
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.twins import give_way_later
from gtm_platform.delivery.hubspot.write import Run, Writer, journal_diff
from gtm_platform.state import State
from gtm_platform.state import audit as trail


def deliver(
    desired: Sequence[DesiredRecord],
    objects: HubSpotObjects,
    state: State,
    run: Run,
    guard: Guard | None = None,
    *,
    rules: DeliveryRules | None = None,
    dry_run: bool = False,
) -> DeliveryReport:
    """Bring HubSpot to what is desired, as far as nobody else changed it and HubSpot takes it."""
    rules = rules or DeliveryRules()
    if not dry_run and objects.object_type.matching:
        Creator(objects, state, run).settle()
        owners = {record.object_id: record.subject_id for record in desired if record.object_id}
        give_way_later(objects, state, owners, run.id, run.now())
    resolution = resolve(desired, objects, state)
    resolution.missing, resting = split_resting(resolution.missing, objects.object_type, state, rules)
    resolution.missing = [without_fields(record, rules.stale) for record in resolution.missing]
    diff = compute_diff(resolution.identified, objects, state, rules).with_records(resting)
    if dry_run:
        return with_resolution(report_of(desired, diff, dry_run=True), objects.object_type, resolution)
    if guard:
        guard.check(Volume.of(diff, len(resolution.missing)), run.id)
    if diff.changed or resolution.missing:
        written = [*(record.desired for record in diff.changed), *resolution.missing]
        objects.definitions.ensure([record.values for record in written])
        diff = diff.without(objects.definitions.unusable())
    creations = _create(resolution, objects, state, run)
    if objects.object_type.matching:
        Creator(objects, state, run).keep_withheld(resolution.withheld)
    if creations.existing:
        diff = diff.joined(compute_diff(creations.existing, objects, state, rules))
    journal_diff(diff, state, run)
    writer = Writer(objects, state, run)
    sent = writer.send(diff.changed)
    writer.verify(sent)
    keep_refusals(desired, diff, sent, creations.refused, state, run, rules)
    report = with_creations(report_of(desired, diff, sent), objects.object_type, creations, resolution.withheld)
    _audit(state, run, report)
    return report


def _create(resolution: Resolution, objects: HubSpotObjects, state: State, run: Run) -> Creations:
    if not resolution.missing:
        return Creations()
    matching = objects.object_type.matching
    assert matching is not None
    if reason := objects.definitions.unusable().get(matching.id_property.name):
        resolution.withheld += [(record, NO_ID.format(reason=reason)) for record in resolution.missing]
        return Creations()
    owners = {record.object_id: record.subject_id for record in resolution.identified}
    return Creator(objects, state, run).create(resolution.missing, owners)


def _audit(state: State, run: Run, report: DeliveryReport) -> None:
    detail = {"day": run.day, "written": report.written, "fields": report.fields_written, "created": report.created}
    with state.writing() as tx:
        trail.note(tx, run.now(), "delivery", "hubspot.write", f"run {run.id}", detail)
