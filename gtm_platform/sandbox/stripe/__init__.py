"""An emulator of the Stripe API, as far as a reader of billing data meets it."""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.kit.limits import Rate
from gtm_platform.sandbox.stripe.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.stripe.app import app
from gtm_platform.sandbox.stripe.render import API_VERSION, render

EMULATOR = Emulator(
    name="stripe",
    title="Stripe",
    store=lambda world: world.stripe,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"STRIPE_API_KEY": TOKEN, "STRIPE_BASE_URL": url},
    limits={"account": Rate(DOCUMENTED.account, 1), "endpoint": Rate(DOCUMENTED.endpoint, 1)},
)

__all__ = ["API_VERSION", "EMULATOR", "TOKEN", "Limits", "app", "render"]
