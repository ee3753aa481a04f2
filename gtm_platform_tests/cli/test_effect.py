"""`gtm effect`: what an experiment would find, registering and stopping it, and what it found."""

import re
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gtm_platform.cli import gtm
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform_tests.intelligence.experiment import START, customer, make, settle

POLICY = """
[effect]
experiment = "spring"
hypothesis = "Alerts keep customers."
share = 0.5
starts_on = 2099-03-02
ends_on = 2099-12-01
"""


def gtm_effect(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(gtm, ["effect", *arguments], input=answer)


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy that describes an experiment."""
    path = tmp_path / "policy.toml"
    packaged = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    before, _, rest = packaged.partition("\n[effect]\n")
    path.write_text(before + POLICY + "\n# What success" + rest.partition("# What success")[2])
    monkeypatch.setenv("GTM_POLICY", str(path))
    settings.cache_clear()
    policy.cache_clear()
    return path


def test_power_is_told_of_what_is_said_without_a_lake() -> None:
    past = ("--customers", "400", "--a-month", "80", "--churn", "0.2")
    result = gtm_effect("power", *past, "--months", "3", "--months", "12")
    assert result.exit_code == 0, result.output
    assert "400 customers would count at the start and 80 more a month, of whom 20.0% churn" in result.output
    lines = [line.split() for line in result.output.splitlines() if re.match(r"\d+ +\d", line)]
    assert [line[:2] for line in lines] == [["3", "400"], ["12", "1,120"]]
    chances = [[int(chance.rstrip("%")) for chance in line[2:]] for line in lines]
    assert chances[1] == sorted(chances[1])
    assert chances[0] <= chances[1]
    assert "Outcomes for a chance of 80%" in result.output


def test_power_is_told_of_what_customers_did() -> None:
    lake = the_lake()
    for ago, left in ((100, 0), (60, 0), (20, 30), (0, 30)):
        settle(lake, START - timedelta(days=ago), [customer(f"c{n}") for n in range(left, 120)])
    settle(lake, START, [customer(f"c{n}") for n in range(30, 160)])
    result = gtm_effect("power")
    assert result.exit_code == 0, result.output
    assert "130 customers would count at the start and 40 more a month, of whom 25.0% churn" in result.output
    assert "by the last 100 days of the lake" in result.output


def test_a_lake_that_is_too_young_says_what_to_do() -> None:
    settle(the_lake(), START, [customer("a")])
    result = gtm_effect("power")
    assert result.exit_code == 1
    assert "less than 90 days before" in result.output
    assert "--churn" in result.output


def test_the_packaged_policy_registers_nothing() -> None:
    result = gtm_effect("register")
    assert result.exit_code == 1
    assert "share = 0" in result.output
    assert "No experiment is registered" in gtm_effect("show").output


@pytest.mark.usefixtures("described")
def test_an_experiment_is_registered_once_somebody_agreed_and_stopped_with_a_reason() -> None:
    assert gtm_effect("register", answer="n\n").exit_code == 1
    first = gtm_effect("register", "--who", "Noor", answer="y\n")
    assert first.exit_code == 0, first.output
    assert "withholds      alerts, risk" in first.output
    assert "spring is registered. It begins on 2099-03-02." in first.output
    assert "just so" in gtm_effect("register", "--yes").output
    shown = gtm_effect("show").output
    assert "spring: Alerts keep customers." in shown
    assert "by Noor" in shown
    stopped = gtm_effect("stop", "spring", "--why", "Never mind.")
    assert "is the last day" in stopped.output
    assert "Never mind." in gtm_effect("show").output
    assert gtm_effect("stop", "spring", "--why", "Again.").exit_code == 1


@pytest.mark.usefixtures("described")
def test_other_terms_under_the_same_name_are_refused(described: Path) -> None:
    gtm_effect("register", "--yes")
    described.write_text(described.read_text().replace("share = 0.5", "share = 0.1"))
    policy.cache_clear()
    result = gtm_effect("register", "--yes")
    assert result.exit_code == 1
    assert "other terms (share)" in result.output


def test_show_says_what_was_found_by_a_day() -> None:
    from gtm_platform_tests.intelligence.experiment import registered

    lake, due = the_lake(), START + timedelta(days=10)
    registered()
    crowd = [customer(f"c{n:03}") for n in range(200)]
    settle(lake, START, crowd)
    make(lake, START)
    settle(lake, due, crowd[20:])
    make(lake, due)
    shown = gtm_effect("show").output
    assert "churn *" in shown
    assert "no difference shown" in shown
    assert "Success was not measured yet" in shown
    assert "too few so far" in gtm_effect("show", "--day", str(START)).output
