"""The state's own tests migrate it for real."""

import pytest

from gtm_platform.state import store
from gtm_platform_tests import first_files


@pytest.fixture(autouse=True)
def _migrated_for_real(_an_empty_home_begins_with_copies: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_bring_up", first_files.migrate)
