"""Taking a run's writes back, through the same guards as the writes themselves."""

import json
import uuid
from collections.abc import Iterable
from contextlib import closing

from gtm_platform.delivery.hubspot.client import HubSpotContacts, batches
from gtm_platform.delivery.hubspot.deliver import Delivered, deliver
from gtm_platform.delivery.hubspot.plan import Desired
from gtm_platform.delivery.hubspot.send import CONTACTS, Run
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import State, open_state
from gtm_platform.state.hubspot_journal import Journaled, field_states, of_run


class NothingToUndo(LookupError):
    """The journal knows no write of that run which still stands."""


def undo(run_id: str, contacts: HubSpotContacts, state: State, run: Run, *, dry_run: bool = False) -> Delivered:
    """Gives back what HubSpot held before a run, where it still holds what that run wrote."""
    desired = _as_before(_last_word(run_id, state))
    if not desired:
        raise NothingToUndo(f"Run {run_id} wrote nothing to HubSpot, or all of it was written over since.")
    return deliver(desired, contacts, state, run, dry_run=dry_run)


def undo_run(run_id: str) -> str:
    """The same with the accounts and the state of the environment; tells what was done."""
    there = settings_of(HubSpotDeliverySettings)
    now = there.now()
    run = Run(f"undo-{uuid.uuid4()}", f"{now:%Y-%m-%d}", there.now)
    with closing(open_state(settings().state_url)) as state:
        told = undo(run_id, HubSpotContacts.of(there), state, run, dry_run=not there.hubspot_write_enabled)
    if not there.hubspot_write_enabled:
        return f"HUBSPOT_WRITE_ENABLED is not true, so nothing was written. This would be:\n{told.diff}"
    return f"Undone as run {run.id}: {told.summary()}"


def _last_word(run_id: str, state: State) -> list[Journaled]:
    """What the run wrote and no later run wrote over."""
    with state.reading() as tx:
        rows = of_run(tx, run_id, "written")
        last = {
            value: standing.agreed_by
            for batch in batches(sorted({row.object_id for row in rows}))
            for value, standing in field_states(tx, CONTACTS, batch).items()
        }
    return [row for row in rows if last[(row.object_id, row.property)] == run_id]


def _as_before(rows: Iterable[Journaled]) -> list[Desired]:
    contacts: dict[tuple[str, str], dict[str, Journaled]] = {}
    for row in rows:
        contacts.setdefault((row.customer_id, row.object_id), {}).setdefault(row.property, row)
    return [
        Desired(
            customer_id,
            object_id,
            values={name: row.before for name, row in fields.items()},
            provenance={name: json.dumps({"undoes": row.run_id}) for name, row in fields.items()},
        )
        for (customer_id, object_id), fields in contacts.items()
    ]
