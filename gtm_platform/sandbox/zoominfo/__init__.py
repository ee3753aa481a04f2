"""An emulator of ZoomInfo's GTM API: tokens, enrichment and search of companies, lookups, use of the account."""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.zoominfo.access import CLIENT_ID, CLIENT_SECRET, DOCUMENTED, Limits
from gtm_platform.sandbox.zoominfo.app import app
from gtm_platform.sandbox.zoominfo.store import ZoomInfoStore, replay

EMULATOR = Emulator(
    name="zoominfo",
    title="ZoomInfo",
    store=lambda world: ZoomInfoStore(world.market),
    app=app,
    environment=lambda url: {
        "ZOOMINFO_CLIENT_ID": CLIENT_ID,
        "ZOOMINFO_CLIENT_SECRET": CLIENT_SECRET,
        "ZOOMINFO_BASE_URL": f"{url}/gtm",
        "ZOOMINFO_TOKEN_URL": f"{url}/gtm/oauth/v1/token",
        "ZOOMINFO_CONTRACT_START": "2026-01-01",
    },
    replay=replay,
    limits=DOCUMENTED,
    inspect={"redeemed": lambda store: sorted(store.redeemed), "calls": lambda store: store.enrich_calls},
)

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "EMULATOR", "Limits", "app"]
