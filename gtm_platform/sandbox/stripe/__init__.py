"""An emulator of the Stripe API, as far as a reader of billing data meets it.

It speaks every API version from 2022-11-15 to 2026-10-28.endive; `versions` lists them.
"""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.kit.limits import Rate
from gtm_platform.sandbox.kit.write_log import replay
from gtm_platform.sandbox.stripe.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.stripe.app import app
from gtm_platform.sandbox.stripe.render import API_VERSION, render
from gtm_platform.sandbox.stripe.writing import ACTIONS

EMULATOR = Emulator(
    name="stripe",
    title="Stripe",
    store=lambda world: world.stripe,
    app=lambda store, clock, persist: app(store, clock, persist=persist),
    environment=lambda url: {"STRIPE_API_KEY": TOKEN, "STRIPE_BASE_URL": url},
    replay=lambda store, write, at: replay(ACTIONS, store, write, at),
    limits={
        "account": Rate(DOCUMENTED.account, 1),
        "endpoint": Rate(DOCUMENTED.endpoint, 1),
        "search": Rate(DOCUMENTED.search, 1),
    },
)

__all__ = ["API_VERSION", "EMULATOR", "TOKEN", "Limits", "app", "render"]
