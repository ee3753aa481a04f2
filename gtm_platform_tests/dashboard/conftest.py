"""A home of a few hundred customers over some weeks, and its pages as a browser would have them, without one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gtm_platform.lake.lake import Lake
from gtm_platform.serving.store import Snapshot, Store
from gtm_platform.settings import settings
from gtm_platform_tests.dashboard.world import settle

CUSTOMERS, DAYS = 240, 9
Open = Callable[..., AppTest]
SCRIPT = "from gtm_platform.dashboard.app import main\nmain({page!r})"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dashboard")
    settle(folder, CUSTOMERS, DAYS)
    return folder


@pytest.fixture
def lake(home: Path) -> Lake:
    return Lake(home / "lake")


@pytest.fixture
def snapshot(home: Path) -> Snapshot:
    return Store(home / "serving").current()


@pytest.fixture
def open_page(home: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener(home, monkeypatch)


def opener(home: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Pages of a home by name, with the query of their address."""
    monkeypatch.setenv("GTM_HOME", str(home))
    settings.cache_clear()

    def open_it(page: str, **query: str | Sequence[str]) -> AppTest:
        app = AppTest.from_string(SCRIPT.format(page=page), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value if isinstance(value, str) else list(value)
        app.run()
        assert [str(error.message) for error in app.exception] == []
        return app

    return open_it
