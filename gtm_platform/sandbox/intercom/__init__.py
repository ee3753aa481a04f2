"""An emulator of the Intercom API 2.14, as far as a reader of support data meets it, and who writes contacts, tags
and conversations.
"""

from gtm_platform.sandbox.intercom.access import API_VERSION, DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.intercom.app import app
from gtm_platform.sandbox.intercom.writing import replay
from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.kit.limits import Rate

EMULATOR = Emulator(
    name="intercom",
    title="Intercom",
    store=lambda world: world.intercom,
    app=lambda store, clock, persist: app(store, clock, persist=persist),
    environment=lambda url: {
        "INTERCOM_ACCESS_TOKEN": TOKEN,
        "INTERCOM_BASE_URL": url,
        "INTERCOM_WRITE_ENABLED": "true",
    },
    replay=replay,
    limits={"calls": Rate(DOCUMENTED.calls, DOCUMENTED.seconds)},
)

__all__ = ["API_VERSION", "EMULATOR", "TOKEN", "Limits", "app"]
