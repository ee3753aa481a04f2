"""An emulator of the Sumble API v9: job posts, the organisations that post them, and technologies, each for credits."""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.sumble.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.sumble.app import app
from gtm_platform.sandbox.sumble.store import SumbleStore

EMULATOR = Emulator(
    name="sumble",
    title="Sumble",
    store=lambda world: SumbleStore(world.market),
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {
        "SUMBLE_API_KEY": TOKEN,
        "SUMBLE_BASE_URL": url,
        "SUMBLE_MAX_CREDITS_PER_RUN": "1000000",
    },
    limits=DOCUMENTED,
    inspect={"credits": lambda store: {"remaining": store.credits}},
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "SumbleStore", "app"]
