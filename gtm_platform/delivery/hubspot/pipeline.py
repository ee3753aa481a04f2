"""One delivery from end to end: plan in, report out. Each step takes what the one before it made."""

from collections.abc import Sequence

from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.diff import Guard, compute_diff
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.refusals import keep_refusals
from gtm_platform.delivery.hubspot.report import DeliveryReport, report_of
from gtm_platform.delivery.hubspot.rules import DeliveryRules
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
    diff = compute_diff(desired, objects, state, rules)
    if dry_run:
        return report_of(desired, diff, dry_run=True)
    if guard:
        guard.check(diff)
    journal_diff(diff, state, run)
    if diff.changed:
        objects.define([record.desired.values for record in diff.changed])
    writer = Writer(objects, state, run)
    sent = writer.send(diff.changed)
    writer.verify(sent)
    keep_refusals(diff, sent, state, run, rules)
    report = report_of(desired, diff, sent)
    _audit(state, run, report)
    return report


def _audit(state: State, run: Run, report: DeliveryReport) -> None:
    detail = {"day": run.day, "written": report.written, "fields": report.fields_written}
    with state.writing() as tx:
        trail.note(tx, run.now(), "delivery", "hubspot.write", f"run {run.id}", detail)
