"""An emulator of Factors.ai's open API: the journey of an account, which is all that it lets one read."""

from gtm_platform.sandbox.factors.access import DOCUMENTED, PREFIX, TOKEN, Limits
from gtm_platform.sandbox.factors.app import app
from gtm_platform.sandbox.factors.store import FactorsStore
from gtm_platform.sandbox.kit.emulator import Emulator

EMULATOR = Emulator(
    name="factors",
    title="Factors.ai",
    store=lambda world: FactorsStore(world.market),
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"FACTORS_API_TOKEN": TOKEN, "FACTORS_BASE_URL": f"{url}{PREFIX}"},
    account=lambda store: {"FACTORS_ACCOUNT_DOMAINS": ",".join(store.domains())},
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "TOKEN", "FactorsStore", "Limits", "app"]
