"""`gtm demo`, as somebody gives it who sees the platform for the first time; and what can be asked afterwards."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from gtm_platform.cli import gtm
from gtm_platform.demo.truth_checks import SYSTEMS
from gtm_platform_tests.e2e.conftest import DAYS, PEOPLE, SEED, Lived
from gtm_platform_tests.e2e.home import frame, midnight

KEYS = {"rows", "quarantined", "hubspot", "slack", "seconds", "customers", "mrr", "health"}


@pytest.fixture(autouse=True)
def _no_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))  # commands set it; the test takes it back


def test_both_calls_succeed_and_find_everything_true(lived: Lived) -> None:
    for demo in lived.demos:
        assert demo.process.returncode == 0
        assert demo.process.stdout.count("✓") == 5
        assert "✗" not in demo.process.stdout


def test_the_summary_says_what_happened(lived: Lived) -> None:
    first = lived.demos[0].summary
    assert first.keys() >= KEYS
    assert first["hubspot"].keys() == {"written", "unchanged", "held", "rejected"}
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
    ("arguments", "said"),
    [
        (["--people", "80", "--seed", str(SEED)], f"a world of {PEOPLE} people with seed {SEED}, not of 80 with seed"),
        (["--people", str(PEOPLE), "--seed", "8"], "use another --home, or remove the folder"),
    ],
)
def test_a_home_holds_one_world(lived: Lived, arguments: list[str], said: str) -> None:
    now = ["--now", midnight(DAYS[2]).isoformat()]
    answer = CliRunner().invoke(gtm, ["demo", "--home", str(lived.home), *now, *arguments])
    assert answer.exit_code == 1
    assert said in answer.output
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
