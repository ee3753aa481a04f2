"""How Chroma's admin panel is reached. How its lists are read is the same for every admin panel."""

from collections.abc import Iterator
from contextlib import contextmanager

from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.admin_contract import AdminPanel, open_panel
from gtm_platform.sources.chroma_admin.settings import ChromaAdminSettings as Settings


@contextmanager
def connect(settings: Settings) -> Iterator[AdminPanel]:
    """Open the panel of the environment for one run."""
    base_url, token = settings.chroma_admin_base_url, settings.chroma_admin_token
    with open_panel(settings, base_url, token, "CHROMA_ADMIN_TOKEN", RetryPolicy()) as panel:
        yield panel
