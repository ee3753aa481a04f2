"""An emulator of Clay: the public API with one routine, and the webhook of one table, which answers by a callback."""

from gtm_platform.sandbox.clay.access import CALLBACK_SECRET, DOCUMENTED, KEY, WEBHOOK_TOKEN, Limits
from gtm_platform.sandbox.clay.app import ROUTINE, WEBHOOK, app
from gtm_platform.sandbox.clay.store import ClayStore, replay
from gtm_platform.sandbox.kit.emulator import Emulator

EMULATOR = Emulator(
    name="clay",
    title="Clay",
    store=lambda world: ClayStore(world.market, world.seed),
    app=app,
    environment=lambda url: {
        "CLAY_API_KEY": KEY,
        "CLAY_BASE_URL": f"{url}/public/v0",
        "CLAY_COMPANY_ROUTINE_ID": ROUTINE,
    },
    replay=replay,
    limits=DOCUMENTED,
    inspect={"spent": lambda store: str(store.spent), "submissions": lambda store: store.submissions},
)

__all__ = ["CALLBACK_SECRET", "EMULATOR", "KEY", "WEBHOOK", "WEBHOOK_TOKEN", "Limits", "app"]
