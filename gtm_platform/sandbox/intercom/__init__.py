"""An emulator of the Intercom API 2.14, as far as a reader of support data meets it."""

from gtm_platform.sandbox.intercom.access import API_VERSION, DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.intercom.app import app
from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.kit.limits import Rate

EMULATOR = Emulator(
    name="intercom",
    title="Intercom",
    store=lambda world: world.intercom,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"INTERCOM_ACCESS_TOKEN": TOKEN, "INTERCOM_BASE_URL": url},
    limits={"calls": Rate(DOCUMENTED.calls, DOCUMENTED.seconds)},
)

__all__ = ["API_VERSION", "EMULATOR", "TOKEN", "Limits", "app"]
