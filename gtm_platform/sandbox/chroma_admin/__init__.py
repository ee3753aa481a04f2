"""An emulator of Chroma's admin panel by its contract; the switch `variant` says how fully it is served."""

from gtm_platform.sandbox.admin_contract import DOCUMENTED, Limits
from gtm_platform.sandbox.chroma_admin.app import PREFIX, TOKEN, app
from gtm_platform.sandbox.kit.emulator import Emulator

EMULATOR = Emulator(
    name="chroma_admin",
    title="Chroma admin",
    store=lambda world: world.chroma_admin,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"CHROMA_ADMIN_TOKEN": TOKEN, "CHROMA_ADMIN_BASE_URL": f"{url}{PREFIX}"},
    limits=DOCUMENTED,
    switches={"variant": ("full", "minimal", "array")},
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "app"]
