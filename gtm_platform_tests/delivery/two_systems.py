"""HubSpot and Intercom on loopback, both of which may be written to."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from gtm_platform.sandbox import hubspot, intercom
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomStore
from gtm_platform.settings import settings
from gtm_platform_tests.delivery.world import Watched, served


@contextmanager
def both_written(
    portal: HubSpotStore,
    workspace: IntercomStore,
    now: Callable[[], datetime],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Watched, Watched]]:
    """Serve both, and set the environment of a home that writes to them."""
    with ExitStack() as stack:
        apis = (
            stack.enter_context(served(hubspot.app(portal, now))),
            stack.enter_context(served(intercom.app(workspace, now))),
        )
        environment = {
            "GTM_HOME": str(home),
            "GTM_NOW": now().isoformat(),
            "HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN,
            "HUBSPOT_BASE_URL": apis[0].url,
            "HUBSPOT_WRITE_ENABLED": "true",
            "INTERCOM_ACCESS_TOKEN": intercom.TOKEN,
            "INTERCOM_BASE_URL": apis[1].url,
            "INTERCOM_WRITE_ENABLED": "true",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield apis
