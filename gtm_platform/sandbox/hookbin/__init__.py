"""A receiver of webhooks: whatever is posted to /hooks/<name> is kept, verified and shown on a page.

It verifies by the specification Standard Webhooks 1.0, with the secrets that a person told it.
"""

from gtm_platform.sandbox.hookbin.app import app
from gtm_platform.sandbox.hookbin.store import HookStore, replay
from gtm_platform.sandbox.kit.emulator import Emulator, PageLink

EMULATOR = Emulator(
    name="hookbin",
    title="Hookbin",
    store=lambda world: HookStore(),  # noqa: ARG005  the world sends none
    app=lambda store, clock, persist: app(store, clock, persist),
    environment=lambda _: {
        "TRIGGER_KEY": "a-key-of-the-sandbox-which-is-no-secret",
        "TRIGGER_SEND_ENABLED": "true",
        "TRIGGER_RECEIVERS": "also_loopback",
    },
    replay=replay,
    pages=(PageLink("the webhooks that arrived", "/"),),
    inspect={"received": lambda store: {"received": [hook.row() for hook in store.received]}},
)

__all__ = ["EMULATOR", "app", "replay"]
