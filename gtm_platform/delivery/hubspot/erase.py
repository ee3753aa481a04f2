"""Deleting a contact for good: HubSpot's GDPR delete, which also keeps its address from coming back there.

Journaled as every other write is: an intent before the call, its receipt after the answer.
"""

import json
from collections.abc import Sequence
from contextlib import closing, suppress

from gtm_platform.delivery.hubspot.client import open_client
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.http.errors import NotFound
from gtm_platform.privacy.outside import Eraser
from gtm_platform.settings import settings_of
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.state import State
from gtm_platform.state.hubspot_journal import Write, intend, receive

CONTACTS, PROPERTY = "contacts", "gdpr_delete"


def refusal() -> str | None:
    """Say why contacts cannot be deleted: there is no token, or nothing may be written."""
    config = settings_of(HubSpotDeliverySettings)
    if config.hubspot_access_token is None:
        return "HUBSPOT_ACCESS_TOKEN is not set"
    return None if config.hubspot_write_enabled else "HUBSPOT_WRITE_ENABLED is not true"


def erase(state: State, ids: Sequence[str], erasure_id: str) -> int:
    """Delete contacts for good; one that is gone already is so. Called again it deletes what is left."""
    config = settings_of(HubSpotDeliverySettings)
    with closing(open_client(config)) as client:
        for id in ids:
            _erase(client, state, _write(config, id, erasure_id), config)
    return len(ids)


def _write(config: HubSpotDeliverySettings, id: str, erasure_id: str) -> Write:
    """Return the journal's row of a deletion, which names no customer: there is none any more."""
    return Write(
        run_id=f"erasure-{erasure_id}",
        day=f"{config.now():%Y-%m-%d}",
        object_type=CONTACTS,
        object_id=id,
        customer_id="",
        property=PROPERTY,
        before="",
        after="deleted",
        provenance=json.dumps({"erasure": erasure_id}),
        trace_id=f"erasure-{id}",
    )


def _erase(client: HubSpotClient, state: State, write: Write, config: HubSpotDeliverySettings) -> None:
    with state.writing() as tx:
        rows = intend(tx, [write], config.now())
    with suppress(NotFound):  # deleted before, by somebody or by a run that died
        client.delete_for_good(CONTACTS, write.object_id)
    with state.writing() as tx:
        receive(tx, rows, "written", config.now())


ERASER = Eraser("hubspot", "hubspot/contacts", refusal, erase)
