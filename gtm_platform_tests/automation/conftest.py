from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the test, which the automation looks into for the newest day."""
    from gtm_platform.settings import settings

    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    return tmp_path / "home"
