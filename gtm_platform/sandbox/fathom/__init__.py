"""An emulator of the Fathom External API: recorded calls, as the owners of several keys see them.

Webhooks are not part of it, and nothing is posted to a destination.
"""

from gtm_platform.sandbox.fathom.access import DOCUMENTED, KEYS, Limits
from gtm_platform.sandbox.fathom.app import app
from gtm_platform.sandbox.kit.emulator import Emulator

EMULATOR = Emulator(
    name="fathom",
    title="Fathom",
    store=lambda world: world.fathom,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"FATHOM_API_KEYS": ",".join(KEYS), "FATHOM_BASE_URL": f"{url}/external/v1"},
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "KEYS", "Limits", "app"]
