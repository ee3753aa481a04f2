"""One lake and one snapshot of it for all tests that only read."""

from pathlib import Path

import pytest

from gtm_platform.lake.lake import Lake
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.store import Snapshot, Store
from gtm_platform_tests.serving.world import ALERT, RUN, landing, settle


@pytest.fixture(scope="session")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a lake and a snapshot."""
    home = tmp_path_factory.mktemp("served")
    lake = Lake(home / "lake")
    settle(lake)
    built = build(landing(lake, alerts=[ALERT], sync_runs=[RUN]), home / "serving")
    assert built is not None
    return home


@pytest.fixture
def served_lake(served_home: Path) -> Lake:
    return Lake(served_home / "lake")


@pytest.fixture
def snapshot(served_home: Path) -> Snapshot:
    return Store(served_home / "serving").current()
