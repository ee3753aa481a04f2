"""`gtm doctor`: each source off, working or failing, and why."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from gtm_platform.accounts import AccountIdentity, accounts_of_home, require_own_account
from gtm_platform.demo.world import World
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.ingest.source import Pushed
from gtm_platform.policy import policy
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform.sources.stripe.settings import StripeSettings
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.e2e.home import gtm

SOURCES = tuple(source.name for source in discover_sources())
FROM_FILES = {source.name for source in discover_sources() if folder_of(source)}
PUSHED = {source.name for source in discover_sources() if isinstance(source.trigger, Pushed)}  # nobody asks them
LIMITED = ("delivery/hubspot", "delivery/alerts")  # by documented limits of their own
DESTINATIONS = (*LIMITED, "delivery/actions", "delivery/triggers")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with running(20, 1, datetime(2026, 3, 1, tzinfo=UTC)) as box:
        yield box


@pytest.fixture
def connected(box: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the sandbox, and a file for each source that is read from files."""
    for name, value in box.env.items():
        monkeypatch.setenv(name, value)
    for source in FROM_FILES:
        (home / "drop" / source).mkdir(parents=True)
        (home / "drop" / source / "list.csv").touch()


def states(output: str) -> dict[str, str]:
    """The state of each system; who may see what is no system."""
    lines = [line.split() for line in output.splitlines() if line[:1].isalpha()]
    return {name: state for name, state, *_ in lines if name not in ("access", "encryption", "hot_path")}


def test_without_keys_all_are_off_and_that_is_no_failure(command: Command) -> None:
    answer = command("doctor")
    assert answer.exit_code == 0
    assert states(answer.stdout) == dict.fromkeys((*SOURCES, *DESTINATIONS), "off")
    for variable in ("HUBSPOT_ACCESS_TOKEN", "INTERCOM_ACCESS_TOKEN", "STRIPE_API_KEY"):
        assert f"is off: set {variable}" in answer.stdout
    assert answer.stdout.count("last sync: never; not fresh") == len(SCHEDULED)
    assert "get it at: Developer Hub" in answer.stdout


@pytest.mark.usefixtures("connected")
def test_with_the_sandbox_all_work(command: Command) -> None:
    answer = command("doctor")
    assert answer.exit_code == 0, answer.output
    assert states(answer.stdout) == dict.fromkeys((*SOURCES, *DESTINATIONS), "ok")


def test_in_a_home_of_the_demo_it_asks_the_sandbox_that_runs_there(home: Path) -> None:
    """Nobody has set a key: who looks after a demo has none."""
    World(20, 1, "2026-03-01").write(home)
    with running(20, 1, datetime(2026, 3, 1, tzinfo=UTC), home=home) as box:
        answer = gtm("doctor", home=home)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"Sandbox: {box.url}/ It is 2026-03-01 00:00:00 UTC in the sandbox" in answer.stderr
    by_system = states(answer.stdout)
    assert set(by_system) == {*SOURCES, *DESTINATIONS}
    assert set(by_system.values()) == {"ok", "off"}
    assert {name for name, state in by_system.items() if state == "off"} == FROM_FILES, "no file was dropped"


def test_in_a_home_of_the_demo_without_a_sandbox_it_says_how_one_starts(home: Path) -> None:
    World(20, 1, "2026-03-01").write(home)
    answer = gtm("doctor", home=home)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Sandbox: none runs for this home; `gtm ui` starts it." in answer.stderr
    assert set(states(answer.stdout).values()) == {"off"}


@pytest.mark.usefixtures("connected")
def test_it_says_what_the_month_has_cost_and_stops_at_the_cap(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.search(r"\d+ of 40000 credits of \d{4}-\d\d are used", command("doctor").stdout)
    mine = tmp_path / "mine.toml"
    packaged = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    mine.write_text(packaged.replace("sumble = 40000", "sumble = 2"))
    monkeypatch.setenv("GTM_POLICY", str(mine))
    policy.cache_clear()
    answer = command("doctor")
    assert states(answer.stdout)["sumble"] == "failing"
    assert re.search(r"of the 2 credits of Sumble .* are used .* nothing more is asked for", answer.stdout)


@pytest.mark.usefixtures("connected")
def test_looking_leaves_nothing_open_that_would_block_a_sync(box: Sandbox, command: Command) -> None:
    assert command("doctor").exit_code == 0
    asked = httpx.get(f"{box.url}/_sandbox/requests").json()["requests"]
    assert [request["path"] for request in asked if "scroll" in request["path"]] == []


@pytest.mark.usefixtures("connected")
def test_a_wrong_key_is_told_and_the_others_are_examined(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_mistaken_0123456789")
    answer = command("doctor")
    assert answer.exit_code == 1
    found = states(answer.stdout)
    assert {name: found[name] for name in SOURCES} == dict.fromkeys(SOURCES, "ok") | {"stripe": "failing"}
    assert "Check that STRIPE_API_KEY holds a valid key" in answer.stdout
    assert StripeSettings.when_refused in answer.stdout
    assert "sk_test_mistaken" not in answer.output


@pytest.mark.usefixtures("connected")
def test_a_switch_that_is_off_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBSPOT_WRITE_ENABLED", "false")
    answer = command("doctor")
    assert answer.exit_code == 0
    assert states(answer.stdout)["delivery/hubspot"] == "off"
    assert "it sends nothing: set HUBSPOT_WRITE_ENABLED=true" in answer.stdout


@pytest.mark.usefixtures("connected")
def test_a_value_that_cannot_be_used_fails_its_system_only(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_SEND_ENABLED", "perhaps")
    answer = command("doctor")
    assert answer.exit_code == 1
    assert states(answer.stdout) == dict.fromkeys((*SOURCES, *DESTINATIONS), "ok") | {"delivery/alerts": "failing"}
    assert "SLACK_SEND_ENABLED" in answer.stdout


def test_an_environment_that_cannot_be_used_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", "soon")
    answer = command("doctor")
    assert answer.exit_code == 1
    assert "GTM_NOW" in answer.stderr
    assert "Traceback" not in answer.output


@pytest.mark.usefixtures("connected")
def test_a_destination_is_asked_whose_account_it_is(command: Command) -> None:
    answer = command("doctor")
    assert "HubSpot portal" in answer.stdout
    assert "Slack workspace" in answer.stdout


@pytest.mark.usefixtures("connected")
def test_a_scope_that_is_missing_to_write_is_named(box: Sandbox, command: Command) -> None:
    missing = {"system": "hubspot", "method": "PATCH", "path": "/crm/v3/properties/contacts/*", "status": 403}
    httpx.post(f"{box.url}/_sandbox/faults", json=missing).raise_for_status()
    answer = command("doctor")
    assert answer.exit_code == 1
    assert states(answer.stdout)["delivery/hubspot"] == "failing"
    assert "it may not define properties of contacts" in answer.stdout


@pytest.mark.usefixtures("connected")
def test_looking_writes_nothing(box: Sandbox, command: Command) -> None:
    before = httpx.get(f"{box.url}/_sandbox/slack/messages").json()
    assert command("doctor").exit_code == 0
    assert httpx.get(f"{box.url}/_sandbox/slack/messages").json() == before
    requests = httpx.get(f"{box.url}/_sandbox/requests").json()["requests"]
    writes = [each for each in requests if each["method"] == "PATCH"]
    assert {each["status"] for each in writes} <= {400, 404}


@pytest.mark.usefixtures("connected")
def test_it_says_whose_accounts_they_are_and_pins_none(command: Command) -> None:
    answer = command("doctor")
    with_accounts = [source for source in discover_sources() if callable(source.identity)]
    assert answer.stdout.count("to which this home will belong once it is used") >= len(with_accounts)
    assert accounts_of_home() == []


@pytest.mark.usefixtures("connected")
def test_another_account_than_the_homes_is_failing(command: Command) -> None:
    settings.cache_clear()
    require_own_account(AccountIdentity("hubspot", "111", "HubSpot portal 111"))
    answer = command("doctor")
    assert answer.exit_code == 1
    by_system = states(answer.stdout)
    assert (by_system["hubspot"], by_system["delivery/hubspot"], by_system["stripe"]) == ("failing", "failing", "ok")
    assert "belongs to HubSpot portal 111" in answer.stdout
    assert "it may not" not in answer.stdout


@pytest.mark.usefixtures("connected")
def test_it_says_how_much_of_the_limits_is_used(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = lines_of(command("doctor").stdout)
    assert set(limits) == {*SOURCES, *LIMITED} - FROM_FILES - PUSHED
    assert (
        limits.items()
        >= {
            "hubspot": "at most 80 % of the documented limit: 152 calls in 10 seconds, 4 calls a second",
            "intercom": "at most 80 % of the documented limit: 1,328 calls in 10 seconds",
            "stripe": "at most 80 % of the documented limit: 20 calls a second",
            "delivery/alerts": "at most 80 % of the documented limit: 0.8 calls a second",
            "delivery/hubspot": "at most 80 % of the documented limit: 152 calls in 10 seconds",
        }.items()
    )
    mine = tmp_path / "mine.toml"
    packaged = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    mine.write_text(packaged.replace("[limits.systems]\n", "[limits.systems]\nhubspot = 1.0\n"))
    monkeypatch.setenv("GTM_POLICY", str(mine))
    policy.cache_clear()
    lines = lines_of(command("doctor").stdout)
    assert lines["hubspot"] == "at most 100 % of the documented limit: 190 calls in 10 seconds, 5 calls a second"
    assert lines["delivery/hubspot"] == "at most 100 % of the documented limit: 190 calls in 10 seconds"
    assert lines["stripe"] == "at most 80 % of the documented limit: 20 calls a second"


def lines_of(output: str) -> dict[str, str]:
    """What stands below each of the systems of this test about its limits."""
    lines, system = {}, ""
    for line in output.splitlines():
        system = line.split()[0] if line[:1].isalpha() else system
        if "documented limit" in line and system in (*SOURCES, *DESTINATIONS):
            lines[system] = line.strip()
    return lines


def access_of(output: str) -> str:
    return next(line for line in output.splitlines() if line.startswith("access "))


def test_it_says_who_may_see_what(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = access_of(command("doctor").stdout)
    assert nobody.split()[1] == "off"
    assert "nobody signs in" in nobody
    assert "no token" in nobody
    command("token", "create", "--name", "BI")
    command("token", "create", "--name", "Kim", "--role", "analyst")
    assert access_of(command("doctor").stdout).endswith("2 tokens, 1 without a role")
    monkeypatch.setenv("GTM_OIDC_CLIENT_ID", "gtm")
    half = command("doctor")
    assert half.exit_code == 1
    assert access_of(half.stdout).split()[1] == "failing"
    assert "GTM_OIDC_CLIENT_SECRET" in access_of(half.stdout)
