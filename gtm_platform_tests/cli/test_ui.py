"""`gtm ui`: dashboard, API and Dagster answer where it says; what it refuses, it refuses in a sentence; and beside a
sandbox the platform's time is the sandbox's."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import dagster as dg
import httpx
import pytest

from gtm_platform.cli.processes import Child, child_process, free_port
from gtm_platform.cli.ui import alone_at, no_hot_path, only_daemon, outlive, require_loadable
from gtm_platform.policy import policy
from gtm_platform.sandbox.server import running
from gtm_platform.settings import settings
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.e2e.home import gtm

HOLDER = """
import sys
from pathlib import Path
from gtm_platform.cli.ui import alone_at

with alone_at(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_at_the_same_home_is_refused(home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", HOLDER, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with pytest.raises(RuntimeError, match=f"runs at {home} already, as process {first.pid}"), alone_at(home):
            pass
        with alone_at(tmp_path / "another"):
            pass
        first.kill()
    with alone_at(home):  # one that was killed holds nothing
        pass


def test_a_second_one_over_the_same_state_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hosts, each with a home of its own."""
    with only_daemon(), only_daemon():
        pass  # each of a state in its own home
    monkeypatch.setenv("GTM_STATE_URL", f"sqlite:///{tmp_path / 'shared.db'}")
    settings.cache_clear()
    with only_daemon():
        sentence = (
            rf"runs already over this state \(process {os.getpid()} on .*Two daemons would launch everything twice"
        )
        with pytest.raises(RuntimeError, match=sentence), only_daemon():
            pass
    with only_daemon():
        pass


def test_a_port_that_is_taken_is_a_sentence(command: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = command("ui", "--port", str(port))
    assert answer.exit_code == 1
    assert f"Port {port} is taken" in answer.stderr
    assert "Traceback" not in answer.output


def test_a_policy_that_cannot_be_used_is_a_sentence(
    command: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("[money]\nrates = 3\n")
    monkeypatch.setenv("GTM_POLICY", str(tmp_path / "mine.toml"))
    answer = command("ui", "--port", "0", "--no-sandbox")
    assert answer.exit_code == 1
    assert "mine.toml, line 2" in answer.stderr
    assert "Traceback" not in answer.output
    assert not (home / "dagster").exists()


def test_definitions_that_do_not_load_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise dg.DagsterInvalidDefinitionError("Duplicate asset key\n: a")

    monkeypatch.setattr(dg.Definitions, "validate_loadable", broken)
    with pytest.raises(RuntimeError, match="The definitions cannot be loaded: Duplicate asset key : a"):
        require_loadable()


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


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("ui", "--dashboard-port"), "--dashboard-port"),
        (("ui", "--api-port"), "--api-port"),
        (("dashboard", "--port"), "--port"),
    ],
)
def test_a_port_of_a_part_that_is_taken_is_a_sentence(
    command: Command, arguments: tuple[str, ...], option: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = command(*arguments, str(port), *(["--port", "0"] if arguments[0] == "ui" else []))
    assert answer.exit_code == 1
    assert f"Port {port} is taken" in answer.stderr
    assert f"{option} {port + 1}" in answer.stderr


@pytest.mark.soak
def test_dashboard_api_and_dagster_answer_where_it_says(home: Path) -> None:
    ports = [str(free_port(0)) for _ in range(3)]
    options = [text for pair in zip(("--port", "--dashboard-port", "--api-port"), ports, strict=True) for text in pair]
    command = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli", "ui", "--home", str(home), "--no-sandbox"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        try:
            lines = iter(process.stdout.readline, "")
            addresses: dict[str, str] = {}
            while len(addresses) < 3:
                if printed := re.match(r"(Dashboard|Dagster UI|API) +(http://\S+)", next(lines)):
                    addresses[printed[1]] = printed[2]
            paths = {"Dashboard": "/_stcore/health", "Dagster UI": "/server_info", "API": ""}
            with httpx.Client(transport=httpx.HTTPTransport(retries=9), trust_env=False, timeout=120) as client:
                statuses = {name: client.get(addresses[name] + path).status_code for name, path in paths.items()}
            assert statuses == {"Dashboard": 200, "Dagster UI": 200, "API": 401}
        finally:
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
    assert process.returncode == 0, rest
    assert "ended" not in rest


def test_what_dies_is_named_and_the_rest_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dying = [sys.executable, "-c", "print('no room'); raise SystemExit(3)"]
    going_on = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    reader, writer = os.pipe()
    with (
        child_process("The API", dying, os.environ, tmp_path / "api.log") as api,
        subprocess.Popen(going_on, stdin=reader) as process,
    ):
        api.process.wait()
        os.close(reader)
        os.close(writer)
        outlive((api,), Child("Dagster", process, tmp_path / "ui.log"))
    words = capsys.readouterr().err
    assert f"The API ended with status 3: no room What it printed: {tmp_path / 'api.log'}" in words
    assert "The rest goes on" in words
    assert "Dagster ended with status 0." in words


def test_the_hot_path_is_started_where_hubspot_may_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = {"HUBSPOT_ACCESS_TOKEN": "pat-1", "HUBSPOT_WRITE_ENABLED": "true"}
    assert no_hot_path(able) is None
    assert "HUBSPOT_WRITE_ENABLED=true" in str(no_hot_path(able | {"HUBSPOT_WRITE_ENABLED": "false"}))
    assert "GTM_ENGINE" in str(no_hot_path(able | {"GTM_ENGINE": "spark"}))
    packaged = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    (tmp_path / "mine.toml").write_text(packaged.replace("is_on = true ", "is_on = false "))
    monkeypatch.setenv("GTM_POLICY", str(tmp_path / "mine.toml"))
    settings.cache_clear()
    policy.cache_clear()
    assert "[hooks.hot]" in str(no_hot_path(able))
