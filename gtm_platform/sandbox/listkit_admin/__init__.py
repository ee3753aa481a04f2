"""An emulator of ListKit's admin dashboard by its contract; the switch `level` says how much of it is built."""

from gtm_platform.sandbox.admin_contract import DOCUMENTED, Limits
from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.listkit_admin.app import PREFIX, TOKEN, app

EMULATOR = Emulator(
    name="listkit_admin",
    title="ListKit admin",
    store=lambda world: world.listkit_admin,
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {"LISTKIT_ADMIN_TOKEN": TOKEN, "LISTKIT_ADMIN_BASE_URL": f"{url}{PREFIX}"},
    limits=DOCUMENTED,
    switches={"level": ("3", "2", "1")},
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "app"]
