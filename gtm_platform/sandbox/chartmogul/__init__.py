"""An emulator of the ChartMogul API, for reading: customers, activities, plans and metrics.

Invoices, exports, writes and webhooks are not part of it; metrics cannot be narrowed down to plans or countries.
"""

from gtm_platform.sandbox.chartmogul.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.chartmogul.app import app
from gtm_platform.sandbox.kit.emulator import Emulator

EMULATOR = Emulator(
    name="chartmogul",
    title="ChartMogul",
    store=lambda world: world.chartmogul,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"CHARTMOGUL_API_KEY": TOKEN, "CHARTMOGUL_BASE_URL": f"{url}/v1"},
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "app"]
