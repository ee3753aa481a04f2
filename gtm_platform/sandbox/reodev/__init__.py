"""An emulator of Reo.dev's API for reading: segments, their accounts and developers, and what these did.

The vendor publishes no description of it; it answers as the clients that are in use expect.
"""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.reodev.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.reodev.app import app
from gtm_platform.sandbox.reodev.store import ReoStore

EMULATOR = Emulator(
    name="reodev",
    title="Reo.dev",
    store=lambda world: ReoStore(world.market),
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"REODEV_API_KEY": TOKEN, "REODEV_BASE_URL": url},
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "ReoStore", "app"]
