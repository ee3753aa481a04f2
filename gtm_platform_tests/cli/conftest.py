"""Commands in the test's own process, in a folder that holds no .env."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import gtm_platform.definitions  # noqa: F401  declares its tables before a test begins, so that they outlive it
from gtm_platform.cli import gtm
from gtm_platform.settings import settings

Command = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def command(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))  # commands set it; the test takes it back

    def give(*arguments: str) -> Result:
        settings.cache_clear()
        return CliRunner().invoke(gtm, list(arguments))

    return give
