"""`gtm init`: from keys to the first list; in shadow, with keys where only their owner reads them."""

import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gtm_platform.cli import gtm, init_run
from gtm_platform.ingest.first_sync import SourceEstimate, StreamEstimate
from gtm_platform.ingest.source import Source
from gtm_platform.orchestration.instance import instance
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform_tests.cli.conftest import Command

READ = ("hubspot", "stripe", "intercom")
NOW = datetime(2026, 3, 10, 0, 20, tzinfo=UTC)
SWITCHES = ("HUBSPOT_WRITE_ENABLED", "SLACK_SEND_ENABLED", "INTERCOM_WRITE_ENABLED", "TRIGGER_SEND_ENABLED")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(20, 1, NOW) as running_box:
        yield running_box


@pytest.fixture
def keys(box: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables of three systems, in the environment without their keys; what is set there goes with the test."""
    variables = {name: value for name, value in box.env.items() if name.lower().startswith(READ)}
    variables = {name: value for name, value in variables.items() if name not in SWITCHES}
    secret = {name: value for name, value in variables.items() if name.endswith(("_TOKEN", "_KEY"))}
    for name, value in {**variables, "GTM_NOW": NOW.isoformat(), "GTM_HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    for name in secret:
        monkeypatch.delenv(name)
    return secret


def answered(text: str, *arguments: str) -> Result:
    """The command, at whose questions somebody types these lines."""
    settings.cache_clear()
    return CliRunner().invoke(gtm, ["init", *arguments], input=text)


def give(monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]) -> None:
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


@pytest.fixture(autouse=True)
def _what_is_set_goes_with_the_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        monkeypatch.delenv(name)


def test_keys_of_the_environment_are_checked_estimated_and_nothing_is_read(
    command: Command, home: Path, tmp_path: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch, box: Sandbox
) -> None:
    give(monkeypatch, keys)
    answer = command("init", "--yes", "--no-sync")
    assert answer.exit_code == 0, answer.output
    for system in READ:
        assert f"{system:<18} ok" in answer.stdout
    listed = answer.stdout.partition("How much there is to read")[2].splitlines()
    [hubspot] = [line for line in listed if line.startswith("hubspot ")]
    assert int(re.findall(r"\d[\d,]*", hubspot)[0].replace(",", "")) > 20
    [stripe] = [line.split() for line in listed if line.startswith("stripe ")]
    assert stripe[2:] == ["a", "minute"], "none of its streams has more than a page, and that counts them"
    assert int(stripe[1].replace(",", "")) > 20
    [intercom] = [line for line in listed if line.startswith("intercom ")]
    assert re.search(r"over [\d,]+ .*companies", intercom), "a page of these is dear, and nobody counts them"
    assert "The first sync takes about a minute, and what it takes to read what no system counts." in answer.stdout
    for switch in ("HUBSPOT_WRITE_ENABLED", "SLACK_SEND_ENABLED"):
        assert f"until {switch}=true" in answer.stdout
    assert f"Nothing was read. `gtm run --due --home {home}` begins with it." in answer.stdout
    assert not (home / "lake").exists()
    written = (tmp_path / ".env").read_text()
    assert all(f"{switch}=false" in written for switch in SWITCHES)
    assert not any(key in written for key in keys.values()), "what is in the environment stays there"
    assert box.env


def test_keys_are_asked_for_and_kept_where_their_owner_alone_reads_them(
    command: Command, tmp_path: Path, keys: dict[str, str]
) -> None:
    assert command
    path = tmp_path / ".env"
    path.write_text("# mine\nSTRIPE_API_KEY=old\nOTHER=1\n")
    answer = answered(f"y\n{keys['STRIPE_API_KEY']}\nn\n", "--system", "stripe")  # the old one is refused
    assert answer.exit_code == 0, answer.output
    assert keys["STRIPE_API_KEY"] not in answer.output, "a key is not shown"
    lines = path.read_text().splitlines()
    assert lines[:2] == ["# mine", "OTHER=1"]
    assert f"STRIPE_API_KEY={keys['STRIPE_API_KEY']}" in lines
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_that_is_refused_is_asked_for_again(command: Command, tmp_path: Path, keys: dict[str, str]) -> None:
    assert command
    answer = answered(f"sk_wrong\ny\n{keys['STRIPE_API_KEY']}\nn\n", "--system", "stripe")
    assert answer.exit_code == 0, answer.output
    assert "stripe             failing" in answer.output
    assert f"STRIPE_API_KEY={keys['STRIPE_API_KEY']}" in (tmp_path / ".env").read_text()
    assert "sk_wrong" not in (tmp_path / ".env").read_text()


def test_a_key_that_stays_refused_fails(command: Command, tmp_path: Path, keys: dict[str, str]) -> None:
    assert command
    assert keys
    answer = answered("sk_wrong\nn\n", "--system", "stripe")
    assert answer.exit_code == 1
    assert "failing" in answer.output
    assert not (tmp_path / ".env").exists(), "a key that does not work is not kept"


def test_what_one_accepted_is_kept_though_it_is_interrupted_at_the_next(
    command: Command, tmp_path: Path, keys: dict[str, str]
) -> None:
    assert command
    systems = ("--system", "stripe", "--system", "hubspot")
    interrupted = answered(f"{keys['STRIPE_API_KEY']}\n", *systems)  # and nobody answers what it asks next
    assert interrupted.exit_code == 1
    assert "accepted, and kept in .env: STRIPE_API_KEY" in interrupted.output
    for name in keys:  # what the first process set ended with it
        os.environ.pop(name, None)
    again = answered(f"{keys['HUBSPOT_ACCESS_TOKEN']}\nn\n", *systems)
    assert again.exit_code == 0, again.output
    assert "STRIPE_API_KEY:" not in again.output, "it is not asked for again"
    written = (tmp_path / ".env").read_text().splitlines()
    assert [line.partition("=")[0] for line in written if "TOKEN" in line or "KEY" in line] == [
        "STRIPE_API_KEY",
        "HUBSPOT_ACCESS_TOKEN",
    ]


def test_keys_are_read_from_the_file_that_is_named(command: Command, tmp_path: Path, keys: dict[str, str]) -> None:
    path = tmp_path / "keys.env"
    path.write_text(f"STRIPE_API_KEY={keys['STRIPE_API_KEY']}\n")
    answer = command("init", "--yes", "--no-sync", "--env-file", str(path))
    assert answer.exit_code == 0, answer.output
    assert "stripe             ok" in answer.stdout
    assert not (tmp_path / ".env").exists()


def test_nothing_may_be_written_outside(
    command: Command, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    give(monkeypatch, {**keys, "SLACK_SEND_ENABLED": "true"})
    answer = command("init", "--yes")
    assert answer.exit_code == 1
    assert "SLACK_SEND_ENABLED would let it: unset that first" in answer.stderr
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--yes"], "No system has a key."), (["--system", "nobody"], "There is no system 'nobody'")],
)
@pytest.mark.usefixtures("keys")
def test_without_a_system_there_is_nothing_to_do(command: Command, arguments: list[str], sentence: str) -> None:
    answer = command("init", *arguments)
    assert answer.exit_code == 1
    assert sentence in answer.stderr


@pytest.mark.long
def test_it_ends_at_the_first_list_of_who_is_at_risk_and_has_written_nothing(
    command: Command, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch, box: Sandbox, home: Path
) -> None:
    give(monkeypatch, keys)
    estimated, before = init_run._estimated, writes(box)
    hours = StreamEstimate("conversations", 100_000, page=10)

    def slow_at_intercom(source: Source) -> SourceEstimate | None:
        return SourceEstimate("intercom", [hours], 1.0) if source.name == "intercom" else estimated(source)

    monkeypatch.setattr(init_run, "_estimated", slow_at_intercom)
    answer = command("init", "--yes", "--minutes", "20")
    assert answer.exit_code == 0, answer.output
    assert "The first sync takes about 3 hours" in answer.stdout
    assert "Not read yet: intercom (its limit makes it last 3 hours)." in answer.stdout
    assert not (home / "lake" / "intercom").exists()
    [line] = [line for line in answer.stdout.splitlines() if line.startswith("At risk: ")]
    shown = int(line.split()[2].replace(",", ""))
    with instance() as dagster:
        assert {run.job_name for run in dagster.get_runs()} >= {"sync_stripe", "daily_tables", "deliver"}
    query = "select count(*) n from latest.unified_customers where is_customer and health_status <> 'healthy'"
    counted = command("query", query, "--format", "csv").stdout.split()
    assert counted == ["n", str(shown)]
    assert shown
    assert writes(box) == before


def writes(box: Sandbox) -> int:
    """How many calls a sandbox got that write."""
    from gtm_platform_tests.e2e.home import Control

    rows = Control(box.url).ask("requests")["requests"]
    return sum(row["count"] for row in rows if row["method"] in ("PUT", "PATCH", "DELETE"))
