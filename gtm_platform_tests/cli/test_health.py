"""`gtm health …` over a small lake."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.health.days import Days, earlier
from gtm_platform_tests.tables import DAY

SEEN = {"days_since_seen": 2, "subscription_status": "active", "name": "Jane"}


@pytest.fixture
def days(home: Path) -> Days:
    days = Days(Lake(home / "lake"))
    days.write(earlier(1), {"jane": SEEN, "joe": SEEN})
    days.write(DAY, {"jane": SEEN | {"days_since_seen": 40}, "joe": SEEN})
    return days


@pytest.mark.usefixtures("days")
def test_the_score_of_an_address_is_written_down(command: Command, home: Path) -> None:
    answer = command("health", "explain", "Jane@acme.com", "--home", str(home))
    assert answer.exit_code == 0, answer.output
    assert answer.output.splitlines()[0] == "Health of Jane <jane@acme.com>, jane"
    assert "since yesterday: -64" in answer.output
    assert "  override inactive: days_since_seen 2 → 40" in answer.output
    assert "inactive_30d: days_since_seen 40" in answer.output
    assert f"policy {policy().hash}, in force" in answer.output


@pytest.mark.usefixtures("days")
def test_an_earlier_day_and_programs(command: Command, home: Path) -> None:
    answer = command("health", "explain", "jane", "--day", str(earlier(1)), "--json", "--home", str(home))
    explanation = json.loads(answer.stdout)
    assert (explanation["health_score"], explanation["as_of"]) == (100, str(earlier(1)))
    assert [part["earned"] for part in explanation["components"]][:3] == [55.56, None, 44.44]


@pytest.mark.usefixtures("days")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody@acme.com"], f"Nobody has the address nobody@acme.com on {DAY}."),
        (["jane", "--day", "2020-01-01"], f"the days reach from {earlier(1)} to {DAY}"),
    ],
)
def test_who_cannot_be_explained(command: Command, home: Path, arguments: list[str], sentence: str) -> None:
    answer = command("health", "explain", *arguments, "--home", str(home))
    assert answer.exit_code == 1
    assert sentence in answer.output


def test_rules_are_tried_on_the_past(command: Command, home: Path, tmp_path: Path, days: Days) -> None:
    softer = tmp_path / "softer.toml"
    text = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    softer.write_text(text.replace("inactive = -20", "inactive = 0"))
    before = days.health()
    answer = command("health", "replay", "--policy", str(softer), "--days", "1", "--home", str(home))
    assert answer.exit_code == 0, answer.output
    assert f"Who would move on {DAY}: 1 customers" in answer.output
    assert "jane      36 high_risk  56 at_risk" in answer.output
    assert days.health() == before


def test_rules_are_checked_before_they_are_used(command: Command, tmp_path: Path) -> None:
    text = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(text)
    bad.write_text(text.replace("past_due = 30", "past_due = 90").replace("low_csat = 3.0", "low_csat = 1.0"))
    assert command("policy", "check", str(good)).exit_code == 0
    answer = command("policy", "check", str(bad))
    assert answer.exit_code == 1
    assert "worse scores higher: health.payment_points" in answer.output
    assert "Example: subscription_status paused scores" in answer.output
    assert "never fires: health.signals\n  No customer that there can be has low_csat." in answer.output
    assert "1 errors, 2 warnings" in answer.output
