"""Each refinement of the rules is tried alone on the past, which stays as it is."""

from pathlib import Path

import pytest

from gtm_platform.health import refinement_trials
from gtm_platform.health.refinement_trials import AS_THEY_ARE, TRIED, single_refinements, trials, with_values
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Refinements, policy
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.health.test_backtest import Past, steps, write

pytestmark = pytest.mark.soak

FAILING = {"subscription_status": "active", "failed": 3, "days_since_seen": 12}


@pytest.fixture
def past(home: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Of two customers who pay for months one had some payments fail, and stays: flagged only if each counts."""
    monkeypatch.setattr(refinement_trials, "TRIED", {"failed_payments_from": (2,)})
    usual = {"mrr": 10, "score": 80, "subscription_status": "active", "rules": policy().hash}
    days: Past = {day: {"steady": usual, "failing": usual | FAILING} for day in steps(16)}
    lake = Lake(home / "lake")
    write(lake, days)
    return lake


def test_each_refinement_is_tried_alone() -> None:
    assert set(TRIED) == set(Refinements.model_fields) - {"csat_prior"}, "csat_prior is what csat_prior_answers say"
    usual = policy().health.refinements.model_dump()
    (name, rules), *refined = single_refinements(policy())
    assert (name, rules) == (AS_THEY_ARE, policy())
    changed = [
        {key for key, value in rules.health.refinements.model_dump().items() if value != usual[key]}
        for _, rules in refined
    ]
    assert [len(keys) for keys in changed] == [1] * sum(map(len, TRIED.values()))
    assert set.union(*changed) == set(TRIED)
    assert len({rules.hash for _, rules in refined}) == len(refined)


def test_what_is_in_force_is_not_tried_again() -> None:
    rules = with_values(policy(), {"health": {"refinements": {"csat_prior_answers": 3}}})
    assert not [name for name, _ in single_refinements(rules) if name.startswith("csat")]


def test_a_trial_is_the_back_test_of_the_past_by_other_rules(past: Lake) -> None:
    files = {path: path.stat().st_mtime_ns for path in past.root.parent.rglob("*") if path.is_file()}
    (plain, before), (refined, after) = trials(past, policy())
    assert (plain, refined) == (AS_THEY_ARE, "failed_payments_from = 2")
    assert before is not None
    assert after is not None
    assert (before.figures["at_risk_share"].value, after.figures["at_risk_share"].value) == (0.5, 0)
    assert {path: path.stat().st_mtime_ns for path in past.root.parent.rglob("*") if path.is_file()} == files


@pytest.mark.usefixtures("past")
def test_the_command_prints_a_line_for_each(command: Command, home: Path) -> None:
    answer = command("health", "backtest", "--try", "--home", str(home))
    assert answer.exit_code == 0, answer.output
    plain, refined = (
        next(line for line in answer.output.splitlines() if line.startswith(name))
        for name in (AS_THEY_ARE, "failed_payments_from = 2")
    )
    assert "50%" in plain.split()
    assert "0%" in refined.split()
