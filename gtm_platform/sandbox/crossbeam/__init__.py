"""An emulator of Crossbeam's API, for reading: tokens, the user, partners, overlaps of accounts."""

from gtm_platform.sandbox.crossbeam.access import CLIENT_ID, CLIENT_SECRET, DOCUMENTED, REFRESH_TOKEN, Limits
from gtm_platform.sandbox.crossbeam.app import app
from gtm_platform.sandbox.crossbeam.store import CrossbeamStore
from gtm_platform.sandbox.kit.emulator import Emulator

EMULATOR = Emulator(
    name="crossbeam",
    title="Crossbeam",
    store=CrossbeamStore.of,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {
        "CROSSBEAM_CLIENT_ID": CLIENT_ID,
        "CROSSBEAM_CLIENT_SECRET": CLIENT_SECRET,
        "CROSSBEAM_REFRESH_TOKEN": REFRESH_TOKEN,
        "CROSSBEAM_BASE_URL": url,
        "CROSSBEAM_AUTH_URL": f"{url}/auth",
    },
    account=lambda store: {"CROSSBEAM_ORGANIZATION_UUID": store.organization},
    limits=DOCUMENTED,
)

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "EMULATOR", "REFRESH_TOKEN", "Limits", "app"]
