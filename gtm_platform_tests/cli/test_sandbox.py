"""`gtm sandbox clock` and `gtm sandbox day`: the sandbox that runs for a home, found by what it left there."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gtm_platform.cli.options import SANDBOX_PORT
from gtm_platform.cli.processes import free_port
from gtm_platform.cli.sandbox import serve
from gtm_platform.cli.ui import sandbox_port
from gtm_platform.demo.sandbox_process import SPEED, running_sandbox
from gtm_platform.sandbox import server
from gtm_platform.sandbox.kit.emulator import systems_of
from gtm_platform.sandbox.kit.limits import WINDOWS
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.e2e.home import REPOSITORY, file_of, gtm

START = datetime(2026, 3, 1, tzinfo=UTC)
FEW = ("hubspot", "slack", "stripe")  # systems, where the number of sources makes no difference


@pytest.fixture
def box(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setattr(WINDOWS, "times", SPEED)
    with running(20, 1, START, home=home) as box:
        yield box


def test_a_running_sandbox_is_known_by_its_home(home: Path, box: Sandbox) -> None:
    found = running_sandbox(home)
    assert found is not None
    assert (found.url, found.now()) == (box.url, START)


def test_its_port_is_always_the_same() -> None:
    """Else a bookmark of its front page, and the commands of the documentation, would not last."""
    (port,) = (option for option in serve.params if option.name == "port")
    assert port.default == SANDBOX_PORT == 8787
    assert f"http://127.0.0.1:{SANDBOX_PORT}/_sandbox/" in (REPOSITORY / "docs" / "admin-api.md").read_text()
    usual = free_port(0)
    assert sandbox_port(usual) == usual
    with socket.socket() as another:
        another.bind(("127.0.0.1", usual))
        another.listen()
        assert sandbox_port(usual) == 0, "any, where another home's sandbox has it"


def test_one_that_has_ended_is_not_there(home: Path) -> None:
    assert running_sandbox(home) is None
    with running(20, 1, START, home=home):
        pass
    assert running_sandbox(home) is None


def test_without_a_sandbox_it_is_said_how_one_is_started(home: Path, command: Command) -> None:
    for name in ("clock", "day"):
        answer = command("sandbox", name)
        assert answer.exit_code == 1
        assert f"No sandbox runs for the home {home}. Start `gtm ui --home {home}`" in answer.stderr


@pytest.mark.usefixtures("box")
def test_the_clock_is_shown_and_moved(command: Command) -> None:
    assert "2026-03-01 00:00:00" in command("sandbox", "clock").stdout
    assert "2026-03-01 12:00:00" in command("sandbox", "clock", "--days", "0.5").stdout
    assert "2026-03-04 00:00:00" in command("sandbox", "clock", "--now", "2026-03-04").stdout


@pytest.mark.usefixtures("box")
def test_it_never_goes_back(command: Command) -> None:
    answer = command("sandbox", "clock", "--now", "2026-02-01")
    assert answer.exit_code == 1
    assert "The sandbox refused /_sandbox/clock: " in answer.stderr
    assert "{" not in answer.stderr


@pytest.mark.usefixtures("box")
def test_only_one_wish_at_a_time(command: Command) -> None:
    answer = command("sandbox", "clock", "--days", "1", "--follow")
    assert answer.exit_code == 2
    assert "Choose one of --now, --days and --follow." in answer.stderr


@pytest.fixture
def few_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "systems_of", lambda world: [each for each in systems_of(world) if each.name in FEW])


@pytest.mark.soak
@pytest.mark.usefixtures("few_systems")  # before the sandbox starts
def test_a_day_is_lived_by_the_sandbox_and_by_the_platform(home: Path, box: Sandbox) -> None:
    lived = gtm("sandbox", "day", home=home)
    assert lived.returncode == 0, lived.stderr
    message, line = lived.stdout.splitlines()
    assert message.startswith("It is 2026-03-02 00:00:00 UTC in the sandbox.")
    assert line.split()[0] == "2026-03-01"
    assert file_of(home, "core/unified_customers", "2026-03-01").exists()
    assert box.world.now == START + timedelta(days=1)


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize("lander", ["fivetran", "airbyte"])
def test_it_is_landed_as_tables_that_the_doctor_reads(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch, lander: str
) -> None:
    answer = command("sandbox", "land", "--as", lander, "--into", str(tmp_path / "tables"))
    assert answer.exit_code == 0, answer.output
    printed = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    assert printed["HUBSPOT_VIA"] == lander
    for name, value in {**printed, "GTM_NOW": START.isoformat()}.items():
        monkeypatch.setenv(name, value)
    examined = command("doctor").stdout
    title = lander.capitalize()
    assert f"HubSpot as {title} has landed it in the schema hubspot, last synced 2026-03-01 00:00 UTC" in examined
    assert "may read contacts, companies, deals, owners, pipelines, engagements, associations" in examined
    assert ("intercom/tickets is off: " in examined) == (lander == "airbyte")  # which lands none
