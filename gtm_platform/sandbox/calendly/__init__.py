"""An emulator of the Calendly API v2: hosts, booked calls, their invitees and no-shows. Webhooks are not part of it."""

from gtm_platform.sandbox.calendly.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.calendly.app import ACTIONS, app
from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.kit.write_log import replay

EMULATOR = Emulator(
    name="calendly",
    title="Calendly",
    store=lambda world: world.calendly,
    app=lambda store, clock, persist: app(store, clock, persist),
    environment=lambda url: {"CALENDLY_TOKEN": TOKEN, "CALENDLY_BASE_URL": url},
    replay=lambda store, write, at: replay(ACTIONS, store, write, at),
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "app"]
