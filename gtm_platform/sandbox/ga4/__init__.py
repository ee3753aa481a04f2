"""An emulator of the Google Analytics Data API, for reading: tokens, reports, the metadata of the property."""

from gtm_platform.sandbox.ga4.access import DOCUMENTED, Limits, service_account
from gtm_platform.sandbox.ga4.app import app
from gtm_platform.sandbox.ga4.store import COMPANY_DIMENSION, PropertyStore
from gtm_platform.sandbox.kit.emulator import Emulator

EMULATOR = Emulator(
    name="ga4",
    title="Google Analytics",
    store=lambda world: PropertyStore(world.market, f"{300_000_000 + world.seed % 1_000_000}"),
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {
        "GA4_SERVICE_ACCOUNT_JSON": service_account(),
        "GA4_BASE_URL": url,
        "GA4_TOKEN_URL": f"{url}/token",
        "GA4_COMPANY_DIMENSION": COMPANY_DIMENSION,
    },
    account=lambda store: {"GA4_PROPERTY_ID": store.property_id},
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "Limits", "app", "service_account"]
