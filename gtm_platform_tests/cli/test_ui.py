"""`gtm ui`: what keeps it from starting is a sentence; and the time of a platform beside a sandbox is the sandbox's."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gtm_platform.sandbox.server import running
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import gtm


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_is_taken_is_a_sentence(home: Path, taken_port: int) -> None:
    ended = gtm("ui", "--port", str(taken_port), home=home)
    assert ended.returncode == 1
    assert f"Port {taken_port} is taken; use another: gtm ui --port {taken_port + 1}" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [("GTM_POLICY", "nowhere.toml", "nowhere.toml"), ("GTM_FIRST_DAY", "soon", "The environment cannot be used")],
)
def test_what_cannot_be_loaded_is_a_sentence(home: Path, name: str, value: str, sentence: str) -> None:
    ended = gtm("ui", "--port", "0", home=home, **{name: value})
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_sandbox_that_cannot_start_says_why(home: Path) -> None:
    (home / "sandbox").mkdir(parents=True)
    world = {"seed": 3, "people": 20, "start": "2026-03-01T00:00:00+00:00"}
    (home / "sandbox" / "world.json").write_text(json.dumps(world))
    ended = gtm("ui", "--port", "0", home=home)
    assert ended.returncode == 1
    assert "The sandbox did not start. The sandbox in" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_the_platforms_time_is_that_of_the_sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = home / "sandbox" / "clock.json"
    monkeypatch.setenv("GTM_SANDBOX_CLOCK", str(clock))
    settings.cache_clear()
    config = settings()
    assert datetime.now(UTC) - config.now() < timedelta(minutes=5)  # before it first ticked
    with running(20, 1, datetime(2026, 3, 1, tzinfo=UTC), home=home):
        assert config.now() == datetime(2026, 3, 1, tzinfo=UTC)
    clock.write_text(json.dumps({"now": "2026-03-01T00:00:00+00:00", "following": True, "ahead_seconds": 86_400}))
    ahead = config.now() - datetime.now(UTC)
    assert timedelta(hours=23) < ahead <= timedelta(days=1)
