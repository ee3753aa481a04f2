"""`gtm health …` over a small lake."""

import json
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
