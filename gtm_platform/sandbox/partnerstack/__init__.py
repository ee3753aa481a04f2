"""An emulator of PartnerStack's vendor API, for reading: partnerships, customers, deals, leads, transactions."""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.partnerstack.access import DOCUMENTED, PUBLIC_KEY, SECRET_KEY, Limits
from gtm_platform.sandbox.partnerstack.app import PREFIX, app
from gtm_platform.sandbox.world.partner_network import PARTNERSTACK, PartnerNetwork

EMULATOR = Emulator(
    name="partnerstack",
    title="PartnerStack",
    store=lambda world: PartnerNetwork(*PARTNERSTACK, world.market),
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {
        "PARTNERSTACK_PUBLIC_KEY": PUBLIC_KEY,
        "PARTNERSTACK_SECRET_KEY": SECRET_KEY,
        "PARTNERSTACK_BASE_URL": f"{url}{PREFIX}",
    },
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "PUBLIC_KEY", "SECRET_KEY", "Limits", "app"]
