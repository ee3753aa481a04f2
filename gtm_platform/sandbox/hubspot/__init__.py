"""The HubSpot CRM API on a store of records: objects, search, associations, properties, owners and pipelines."""

from gtm_platform.sandbox.hubspot.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.hubspot.app import app
from gtm_platform.sandbox.hubspot.company_creation import OFF, ON
from gtm_platform.sandbox.hubspot.write_log import replay
from gtm_platform.sandbox.kit.emulator import Emulator

EMULATOR = Emulator(
    name="hubspot",
    title="HubSpot",
    store=lambda world: world.hubspot,
    app=lambda store, clock, persist: app(store, clock, persist),
    environment=lambda url: {
        "HUBSPOT_ACCESS_TOKEN": TOKEN,
        "HUBSPOT_BASE_URL": url,
        "HUBSPOT_WRITE_ENABLED": "true",
    },
    account=lambda store: {"HUBSPOT_PORTAL_ID": str(store.portal_id)},
    replay=replay,
    limits=DOCUMENTED,
    switches={"companies_of_contacts": (OFF, ON)},
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "app", "replay"]
