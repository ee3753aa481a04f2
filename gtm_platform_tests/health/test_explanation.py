"""An explanation adds up: what is written down is worked out again here, and comes to the scores in the table."""

import json
from typing import Any

import pytest

from gtm_platform.health.explanation import Explanation, explained
from gtm_platform.health.explanation_text import text
from gtm_platform.policy import policy
from gtm_platform_tests.health.test_customer_health import WEIGHTS, Facts, health, random_customers
from gtm_platform_tests.tables import DAY

NOTHING: Facts = dict.fromkeys(random_customers(0, 1)[0])


def explanations(customers: list[Facts]) -> list[Explanation]:
    rows = health(customers)
    return [
        explained(rows[customer], facts, policy(), rules_in_force=True)
        for customer, facts in zip(sorted(rows), customers, strict=True)
    ]


def worked_out(calculation: str) -> float:
    """The number that a written expression comes to."""
    expression = calculation.partition(":")[0].replace("−", "-").replace("×", "*")
    return float(eval(expression, {"__builtins__": {}}, {"min": min, "max": max}))


@pytest.mark.parametrize("seed", [5, 6])
def test_what_is_written_down_comes_to_the_score(seed: int) -> None:
    written = 0
    for explanation in explanations(random_customers(seed, 200)):
        parts = [part for part in explanation.components if part.score is not None]
        for part in parts:
            assert part.calculation is not None
            assert worked_out(part.calculation) == pytest.approx(part.score, abs=0.02), part
            written += 1
        assert sum(part.possible or 0 for part in parts) == pytest.approx(100 if parts else 0, abs=0.05)
        if explanation.base_score is None or explanation.health_score is None:
            continue
        earned = sum(part.earned or 0 for part in parts)
        assert earned == pytest.approx(explanation.base_score, abs=0.05)
        total = explanation.base_score + sum(override.points for override in explanation.overrides)
        assert explanation.health_score == pytest.approx(min(100, max(0, total)), abs=0.51)
    assert written > 500


def test_the_points_missed_are_those_possible_less_those_earned() -> None:
    (explanation,) = explanations([NOTHING | {"days_since_seen": 14, "subscription_status": "past_due"}])
    activity, payment = (part for part in explanation.components if part.score is not None)
    assert (activity.weight, activity.possible, activity.earned, activity.missed) == (25, 55.56, 36.11, 19.44)
    assert (payment.component, payment.possible, payment.earned, payment.missed) == ("payment", 44.44, 13.33, 31.11)
    assert [part.component for part in explanation.components] == list(WEIGHTS)


def test_each_signal_has_the_figures_that_show_it_and_what_to_do() -> None:
    falling = NOTHING | {"logins_14d": 1, "logins_14d_before": 9, "subscription_status": "active"}
    (explanation,) = explanations([falling | {"customer_status": "leaving"}])
    scheduled, usage = explanation.signals
    assert (scheduled.signal, usage.signal) == ("cancellation_scheduled", "usage_falling")
    assert usage.evidence == {"logins_14d": 1, "logins_14d_before": 9}
    assert [signal.action for signal in explanation.signals] == explanation.recommended_actions


def test_rows_from_json_are_explained_alike() -> None:
    customers = random_customers(7, 30)
    rows = health(customers)
    for row, facts in zip((rows[customer] for customer in sorted(rows)), customers, strict=True):
        direct = explained(row, facts, policy(), rules_in_force=True)
        texts: tuple[Any, Any] = tuple(json.loads(json.dumps(each, default=str)) for each in (row, facts))
        again = explained(*texts, policy(), rules_in_force=True)
        assert [part.calculation for part in again.components] == [part.calculation for part in direct.components]


def test_rules_that_are_lost_leave_the_scores_and_no_points() -> None:
    customer = NOTHING | {"days_since_seen": 40, "subscription_status": "active"}
    ((_, row),) = health([customer]).items()
    explanation = explained(row, customer, None, rules_in_force=False)
    assert [part.score for part in explanation.components] == [20, None, 100, None, None, None]
    assert {part.earned for part in explanation.components} == {None}
    assert [signal.signal for signal in explanation.signals] == ["inactive_30d"]
    assert "the rules of the day were not kept" in text(explanation, "Health of somebody")


def test_it_reads_as_a_person_would_write_it() -> None:
    (explanation,) = explanations(
        [NOTHING | {"days_since_seen": 40, "subscription_status": "active", "failed_payments_30d": 1}]
    )
    lines = text(explanation, "Health of Jane <jane@acme.com>, cus_1").splitlines()
    assert lines[0] == "Health of Jane <jane@acme.com>, cus_1"
    assert lines[1] == f"  29, critical on {DAY}; churn risk 83 % by formula"
    assert "  activity   11.11 of 55.56, 44.44 missed (scores 20.0, weighs 25)" in lines
    assert "             20.0 = 30 + (40 − 30) × (0 − 30) / (60 − 30): seen 40 days ago" in lines
    assert "             85.0 = max(0, 100 − 1 × 15): active, 1 failed payments" in lines
    assert "    −20.00  not seen for long (days_since_seen 40)" in [line.replace("-", "−") for line in lines]
    assert "  1. Ask for a working payment method: charges failed." in lines
    assert "  since yesterday: no score then" in lines


def moved(points: dict[int, float], **more: Any) -> dict[str, Any]:
    """A row of health/score_changes."""
    spans = {f"points_{days}d": points.get(days) for days in (1, 7, 30)}
    row = {"cause": "customer", "component": "", "fact": "", "after": None}
    return {**row, **dict.fromkeys(("before_1d", "before_7d", "before_30d")), **spans, **more}


def test_what_moved_it_stands_under_each_change() -> None:
    customer = NOTHING | {"days_since_seen": 40, "subscription_status": "active"}
    ((_, row),) = health([customer]).items()
    score = row["health_score"]
    row |= {"score_change_1d": -9, "score_change_7d": 4}
    seen = {"component": "activity", "fact": "days_since_seen", "before_1d": "39", "after": "40"}
    changes = [moved({1: -10, 7: -15}, **seen), moved({1: 1, 7: 2}, cause="rules"), moved({1: 0.01}, cause="identity")]
    explanation = explained(row, customer, policy(), changes, rules_in_force=True)
    assert [(each.days, each.change) for each in explanation.movements] == [(1, -9), (7, -13)]
    assert [part.cause for part in explanation.movements[0].parts] == ["customer", "rules", "identity"]
    lines = text(explanation, "Health of somebody").splitlines()
    head = lines.index("  since yesterday: -9")
    assert lines[head + 1] == "    -10.00  activity: days_since_seen 39 → 40"
    assert lines[head + 2] == "     +1.00  other rules"
    assert lines[head + 3].startswith(
        f"  in 7 days: -13 from {score + 13}, as was said then; that day made again has {score - 4}"
    )
    assert "  in 30 days: no score then" in lines
