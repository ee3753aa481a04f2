"""An emulator of the Userflow API of version 2020-01-03, for reading: users, companies, content and sessions.

Writes, tracking and webhooks are not part of it; past events cannot be listed at Userflow either.
"""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.userflow.access import API_VERSION, DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.userflow.app import app
from gtm_platform.sandbox.userflow.render import CHECKLIST

EMULATOR = Emulator(
    name="userflow",
    title="Userflow",
    store=lambda world: world.userflow,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {
        "USERFLOW_API_KEY": TOKEN,
        "USERFLOW_BASE_URL": url,
        "USERFLOW_ONBOARDING_CONTENT_IDS": CHECKLIST,
    },
    limits=DOCUMENTED,
)

__all__ = ["API_VERSION", "EMULATOR", "TOKEN", "Limits", "app"]
