"""One lake and one snapshot of it for all tests that only read."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.store import Snapshot, Store
from gtm_platform_tests.intelligence.shown_effect import with_experiment
from gtm_platform_tests.quality.test_odd_figures import write_odd
from gtm_platform_tests.serving.server import Served, serving
from gtm_platform_tests.serving.world import ALERT, RUN, TODAY, TRIGGER, landing, settle
from gtm_platform_tests.tables import filled


@pytest.fixture(scope="session")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a lake and a snapshot."""
    home = tmp_path_factory.mktemp("served")
    lake = Lake(home / "lake")
    settle(lake)
    lake.write("stripe/charges", str(TODAY), engine().to_pyarrow(filled("stripe/charges")), full=True)
    write_odd(lake, "stripe/charges", day=TODAY - timedelta(days=9))
    write_odd(lake, day=TODAY)
    shown = with_experiment(lake, TODAY)
    built = build(landing(shown, alerts=[ALERT], sync_runs=[RUN], triggers=[TRIGGER]), home / "serving")
    assert built is not None
    return home


@pytest.fixture
def served_lake(served_home: Path) -> Lake:
    return Lake(served_home / "lake")


@pytest.fixture
def snapshot(served_home: Path) -> Snapshot:
    return Store(served_home / "serving").current()


@pytest.fixture(scope="session")
def shared_api(served_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One API for all tests that only read."""
    with serving(served_home / "serving", tmp_path_factory.mktemp("state") / "state.db") as served:
        yield served


@pytest.fixture
def api(served_home: Path, tmp_path: Path) -> Iterator[Served]:
    """An API of the test's own."""
    with serving(served_home / "serving", tmp_path / "state.db", per_second=5) as served:
        yield served
