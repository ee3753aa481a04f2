"""Taking a run's writes back, through the same steps as the writes themselves."""

import json
import uuid
from collections.abc import Iterable
from contextlib import closing, nullcontext

from gtm_platform.delivery.hubspot.client import HubSpotObjects, batches, open_client
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.object_types import object_type_named
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.properties import PERSONAL
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.delivery.hubspot.turns import writing_alone
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.policy import policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import State, open_state
from gtm_platform.state.hubspot_creations import created_by
from gtm_platform.state.hubspot_journal import Journaled, field_states, object_types_of_run, runs_named, writes_of_run

STAYS = (
    "\n{count:,} {name} that the run created stay in HubSpot, without our values; delete there what is not to stay. "
    "Associations that it made stay, too."
)


class NothingToUndo(LookupError):
    """The journal knows no write of that run which still stands."""


def undo(run_id: str, objects: HubSpotObjects, state: State, run: Run, *, dry_run: bool = False) -> DeliveryReport:
    """Restore the values from before a run to objects of one type, where its own values still stand."""
    desired = _as_before(_not_overwritten(run_id, objects.object_type, state))
    if not desired:
        raise _nothing(run_id)
    return deliver(desired, objects, state, run, rules=DeliveryRules().without_machines(), dry_run=dry_run)


def _nothing(run_id: str) -> NothingToUndo:
    return NothingToUndo(f"Run {run_id} wrote nothing to HubSpot, or all of it was written over since.")


def _undo_type(run_id: str, objects: HubSpotObjects, state: State, run: Run, *, dry_run: bool) -> DeliveryReport | None:
    """Undo a run as far as it is about objects of one type, of which all may be written over."""
    try:
        return undo(run_id, objects, state, run, dry_run=dry_run)
    except NothingToUndo:
        return None


def undo_run(run_id: str) -> str:
    """Undo a run, by its id or the beginning of it, in the configured account; return a report as text."""
    config = settings_of(HubSpotDeliverySettings)
    dry_run = not config.hubspot_write_enabled
    run = Run(f"undo-{uuid.uuid4()}", f"{config.now():%Y-%m-%d}", config.now)
    with closing(open_state(settings().state_url)) as state, closing(open_client(config)) as client:
        full_id = _full_id(run_id, state)
        with state.reading() as tx:
            names, created = object_types_of_run(tx, full_id), created_by(tx, full_id)
        rules = policy().hubspot
        objects = [HubSpotObjects(client, object_type_named(name).named_by(rules)) for name in names]
        with nullcontext() if dry_run else writing_alone(f"takes back run {full_id}"):
            reports = [report for each in objects if (report := _undo_type(full_id, each, state, run, dry_run=dry_run))]
    if not reports:
        raise _nothing(run_id)
    stays = "".join(STAYS.format(count=count, name=name) for name, count in created.items())
    if dry_run:
        text = "\n".join(report.text() for report in reports)
        return f"HUBSPOT_WRITE_ENABLED is not true, so nothing was written. This would be:\n{text}{stays}"
    return f"Undone as run {run.id}: {'; '.join(report.summary() for report in reports)}{stays}"


def _full_id(run_id: str, state: State) -> str:
    with state.reading() as tx:
        runs = runs_named(tx, run_id)
    if not runs:
        raise _nothing(run_id)
    if len(runs) > 1:
        raise NothingToUndo(f"Several runs begin with {run_id}: {', '.join(runs)}. Give more of the id.")
    return runs[0]


def _not_overwritten(run_id: str, object_type: ObjectType, state: State) -> list[Journaled]:
    """The fields that the run wrote and no later run wrote over."""
    with state.reading() as tx:
        written = writes_of_run(tx, run_id, object_type.name, "written")
        rows = [row for row in written if _can_be_restored(row, object_type)]
        last = {
            value: field_state.confirmed_by
            for batch in batches(sorted({row.object_id for row in rows}))
            for value, field_state in field_states(tx, object_type.name, batch).items()
        }
    return [row for row in rows if last[(row.object_id, row.property)] == run_id]


def _can_be_restored(row: Journaled, object_type: ObjectType) -> bool:
    """Whether it is a field that still goes by this name, and whose value the journal keeps."""
    return row.property in object_type.by_name and not row.before.startswith(PERSONAL)


def _as_before(rows: Iterable[Journaled]) -> list[DesiredRecord]:
    records: dict[tuple[str, str], dict[str, Journaled]] = {}
    for row in rows:
        records.setdefault((row.customer_id, row.object_id), {}).setdefault(row.property, row)
    return [
        DesiredRecord(
            subject_id,
            object_id,
            values={name: row.before for name, row in fields.items()},
            provenance={name: json.dumps({"undoes": row.run_id}) for name, row in fields.items()},
        )
        for (subject_id, object_id), fields in records.items()
    ]
