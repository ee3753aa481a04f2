"""How ListKit's admin dashboard is reached. How its lists are read is the same for every admin panel."""

from collections.abc import Iterator
from contextlib import contextmanager

from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.admin_contract import AdminPanel, open_panel
from gtm_platform.sources.listkit_admin.settings import ListKitAdminSettings as Settings


@contextmanager
def connect(settings: Settings) -> Iterator[AdminPanel]:
    """Open the dashboard of the environment for one run."""
    base_url, token = settings.listkit_admin_base_url, settings.listkit_admin_token
    with open_panel(settings, base_url, token, "LISTKIT_ADMIN_TOKEN", RetryPolicy()) as panel:
        yield panel
