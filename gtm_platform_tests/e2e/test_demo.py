"""`gtm demo`, as somebody gives it who sees the platform for the first time; and what can be asked afterwards."""

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from gtm_platform.accounts import OtherAccount
from gtm_platform.cli import gtm
from gtm_platform.delivery.hubspot.undo import undo_run
from gtm_platform.demo.day_runs import HUBSPOT_COUNTS
from gtm_platform.demo.truth_checks import SYSTEMS
from gtm_platform.sandbox.server import running
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.e2e.conftest import DAYS, PEOPLE, SEED, Lived
from gtm_platform_tests.e2e.home import (
    MARKET,
    REPOSITORY,
    Control,
    contents,
    execute,
    failure_of,
    frame,
    midnight,
    move_in,
    windows_of,
)

KEYS = {"rows", "quarantined", "hubspot", "slack", "seconds", "customers", "mrr", "health", "transitions"}


@pytest.fixture(autouse=True)
def _no_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))  # commands set it; the test takes it back


def test_both_calls_succeed_and_find_everything_true(lived: Lived) -> None:
    for demo in lived.demos:
        assert demo.process.returncode == 0
        assert demo.process.stdout.count("✓") == 10
        assert "✗" not in demo.process.stdout


def test_its_end_says_what_to_start_and_which_address_to_open_first(lived: Lived) -> None:
    for demo in lived.demos:
        end = demo.process.stdout.rpartition("Next: ")[2]
        assert end.startswith("`gtm ui")
        assert "open the dashboard first: http://127.0.0.1:8501, or the address that it prints" in end


def test_it_belongs_to_the_sandboxs_accounts(lived: Lived) -> None:
    answer = CliRunner().invoke(gtm, ["accounts", "--home", str(lived.home)])
    pinned = [source.name for source in SCHEDULED if callable(source.identity)]
    assert [line.split()[0] for line in answer.stdout.splitlines()] == sorted([*pinned, "slack"])


# Each world has accounts of its own there; those of the other emulators are the same in all.
OWN_ACCOUNTS = ("sync_hubspot", "sync_intercom", "sync_stripe")


def test_keys_of_another_company_are_refused_before_anything_is_read(
    copied: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo, then keys of real accounts in the environment: none of their people gets into its home."""
    before = contents(copied.home)
    refusing = [each for each in windows_of(DAYS[1]) if each[0] in OWN_ACCOUNTS]
    assert len(refusing) == len(OWN_ACCOUNTS)
    with running(PEOPLE, SEED + 1, midnight(DAYS[2])) as other:
        move_in(monkeypatch, copied.home, other, midnight(DAYS[2]), MARKET)
        for job, first, last in refusing:
            ran = execute(copied.dagster, job, first, last)
            assert not ran.success
            assert "belongs to" in failure_of(ran)
            assert "gtm accounts forget" in failure_of(ran)
        for job in ("daily_tables", "deliver"):
            execute(copied.dagster, job, str(DAYS[2]))
        with pytest.raises(OtherAccount, match="belongs to HubSpot portal"):
            undo_run(written_by(copied.home))
        requests = [(row["system"], row["path"]) for row in Control(other.url).ask("requests")["requests"]]
    assert contents(copied.home) == before
    assert set(requests) <= {
        ("hubspot", "/account-info/v3/details"),
        ("intercom", "/me"),
        ("slack", "/api/auth.test"),
        ("stripe", "/v1/account"),
    }


def written_by(home: Path) -> str:
    """A run that wrote to HubSpot."""
    with closing(sqlite3.connect(home / "state.db")) as state:
        return str(state.execute("select run_id from hubspot_writes where status = 'written'").fetchone()[0])


def test_a_restored_home_answers_at_once(lived: Lived, tmp_path: Path) -> None:
    """A backup holds no gtm.duckdb that lists its files."""
    home = tmp_path / "restored"
    shutil.copytree(lived.home / "lake", home / "lake")
    answer = CliRunner().invoke(gtm, ["query", ASKED, "--format", "json", "--home", str(home)])
    assert answer.exit_code == 0, answer.output
    assert "Renewing the views in gtm.duckdb" in answer.stderr
    assert json.loads(answer.stdout) == json.loads(query(lived, "json"))
    again = CliRunner().invoke(gtm, ["query", ASKED, "--home", str(home)])
    assert "Renewing" not in again.stderr


def test_a_table_is_made_again_in_a_home_that_is_named_only_on_the_command_line(lived: Lived) -> None:
    """Nothing of another home is loaded before this one is known."""
    command = ["run", "core/activity", "--partition", str(DAYS[0]), "--home", str(lived.home)]
    process = subprocess.run(
        [sys.executable, "-m", "gtm_platform.cli", *command],
        cwd=lived.home,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(f"core/activity {DAYS[0]}: ")


def test_the_summary_says_what_happened(lived: Lived) -> None:
    first = lived.demos[0].summary
    assert first.keys() >= KEYS
    assert first["hubspot"].keys() == set(HUBSPOT_COUNTS)
    assert first["hubspot"]["created"] > 0
    assert first["hubspot"]["associations_made"] > 0
    assert first["days"] == [str(DAYS[0]), str(DAYS[1])]
    assert first["quarantined"] == 0
    assert first["hubspot"]["written"] > 10
    assert 0 < first["slack"]["sent"] <= first["slack"]["alerts"]
    assert all(seconds >= 0 for seconds in first["seconds"].values())


def test_the_summary_agrees_with_the_truth(lived: Lived) -> None:
    first = lived.demos[0].summary
    totals = lived.control.ask("truth", day=str(DAYS[1]), systems=SYSTEMS)["totals"]
    assert first["customers"] == totals["customers"] == sum(first["health"]["last"].values())
    mrr = {currency: Decimal(amount) for currency, amount in first["mrr"].items() if currency != "reporting"}
    true = {currency: Decimal(amount) for currency, amount in totals["mrr_by_currency"].items() if Decimal(amount)}
    assert mrr == true
    wide = frame(lived.home, "core/unified_customers", str(DAYS[1]))
    assert Decimal(first["mrr"]["reporting"]) == sum(amount for amount in wide["mrr_reporting"].dropna())


def test_the_second_call_does_nothing_twice(lived: Lived) -> None:
    second = lived.demos[1]
    assert "nothing was done twice." in second.process.stdout
    assert second.summary["nothing_twice"] is True
    assert second.summary["days"] == [str(DAYS[1])]
    assert second.summary["hubspot"]["written"] == second.summary["slack"]["sent"] == 0
    assert second.summary["hubspot"]["unchanged"] > 10
    assert second.summary["mrr"] == lived.demos[0].summary["mrr"]
    assert second.summary["health"]["last"] == lived.demos[0].summary["health"]["last"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--people", "80", "--seed", str(SEED)], f"a world of {PEOPLE} people with seed {SEED}, not of 80 with seed"),
        (["--people", str(PEOPLE), "--seed", "8"], "use another --home, or remove the folder"),
    ],
)
def test_a_home_holds_one_world(lived: Lived, arguments: list[str], sentence: str) -> None:
    now = ["--now", midnight(DAYS[2]).isoformat()]
    answer = CliRunner().invoke(gtm, ["demo", "--home", str(lived.home), *now, *arguments])
    assert answer.exit_code == 1
    assert sentence in answer.output
    assert "Traceback" not in answer.output


def test_the_future_cannot_be_lived(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answer = CliRunner().invoke(gtm, ["demo", "--home", str(home), "--now", "2999-01-01T00:00:00Z"])
    assert answer.exit_code == 1
    assert "--now 2999-01-01 lies in the future" in answer.stderr
    assert "Traceback" not in answer.output
    assert not (home / "demo.json").exists()


ASKED = "select health_status, count(*) as customers from latest.customer_health group by 1 order by 1"


def query(lived: Lived, shape: str) -> str:
    answer = CliRunner().invoke(gtm, ["query", ASKED, "--format", shape, "--home", str(lived.home)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_what_was_lived_can_be_asked_for(lived: Lived) -> None:
    health = frame(lived.home, "health/customer_health", str(DAYS[2]))
    counts = health.groupby("health_status").size().sort_index()
    expected = [{"health_status": status, "customers": int(count)} for status, count in counts.items()]
    assert json.loads(query(lived, "json")) == expected
    rows = list(csv.DictReader(io.StringIO(query(lived, "csv"))))
    assert rows == [{name: str(value) for name, value in row.items()} for row in expected]
    header, *lines = query(lived, "table").splitlines()
    assert header.split() == ["health_status", "customers"]
    assert [line.split() for line in lines] == [[row["health_status"], str(row["customers"])] for row in expected]
