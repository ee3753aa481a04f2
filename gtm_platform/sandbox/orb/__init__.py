"""An emulator of the Orb API, for reading: customers, plans, subscriptions, invoices, credit notes.

Costs and usage, writes and webhooks are not part of it.
"""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.orb.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.orb.app import app

EMULATOR = Emulator(
    name="orb",
    title="Orb",
    store=lambda world: world.orb,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"ORB_API_KEY": TOKEN, "ORB_BASE_URL": f"{url}/v1"},
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "app"]
