"""A home for files that a test drops."""

import pytest

from gtm_platform.lake.lake import Lake
from gtm_platform_tests.ingest.files.drops import NOW, Place, guest_source


@pytest.fixture
def place(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(guest_source(), lake, monkeypatch)
    place.set_clock(NOW)
    return place
