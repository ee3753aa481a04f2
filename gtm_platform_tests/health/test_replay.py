"""Rules tried on the past: the same rules give history again, other rules say who would move, and history stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.health.replay import Replay, replayed
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy, policy
from gtm_platform_tests.health.days import HEALTH, Days, earlier
from gtm_platform_tests.health.test_customer_health import random_customers
from gtm_platform_tests.health.test_policy_check import changed
from gtm_platform_tests.tables import DAY, filled

pytestmark = pytest.mark.soak

LEFT = {"customer_status": "churned", "is_customer": False}


@pytest.fixture
def history(days: Days) -> Days:
    """Five days of forty customers, one of whom is seen less and less, and leaves on the fourth day."""
    for ago in (4, 3, 2, 1, 0):
        customers = {f"c{n:03}": facts for n, facts in enumerate(random_customers(ago, 40))}
        fading: dict[str, Any] = {"days_since_seen": 4 + 4 * (4 - ago), "mrr_reporting": Decimal(77)}
        customers["fading"] = (fading | LEFT) if ago < 2 else fading
        days.write(earlier(ago), customers)
    return days


@contextmanager
def by_rules(days: Days, rules: Policy, count: int = 5) -> Iterator[Replay]:
    with replayed(days.lake, rules, count) as replay:
        yield replay


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_the_same_rules_give_history_again_exactly(history: Days) -> None:
    with by_rules(history, policy()) as replay:
        assert replay.days == [str(earlier(ago)) for ago in (4, 3, 2, 1, 0)]
        for day in replay.days:
            before, after = (
                sorted(lake.partition(HEALTH, day).to_pyarrow().to_pylist(), key=lambda row: str(row["customer_id"]))
                for lake in (replay.history, replay.lake)
            )
            assert len(before) >= 40
            assert after == before
        assert (replay.differing_days(), replay.moves()) == ([], [])
        assert all(churn.flagged_after == churn.flagged_before for churn in replay.churns())


def score(days: Days, ago: int, risk: int) -> None:
    """Write what the model said of everybody on a day, and judge the day by it."""
    rows = [{"customer_id": f"c{n:03}", "delivered_risk": risk, "month": earlier(0).replace(day=1)} for n in range(30)]
    table = filled("intelligence/churn_scores", *rows)
    days.lake.write("intelligence/churn_scores", str(earlier(ago)), engine().to_pyarrow(table))
    days.judge(earlier(ago))


def test_days_with_a_model_are_given_again_exactly_and_by_the_formula_where_it_is_asked_for(history: Days) -> None:
    for ago in (2, 1, 0):  # before them there was no model
        score(history, ago, 10 + ago)
    rows = history.health()
    assert {row["churn_risk"] for name, row in rows.items() if row["churn_risk_model"] != "formula"} == {10}
    assert sum(row["churn_risk_model"] == "formula" for row in rows.values()) >= 10
    with by_rules(history, policy()) as replay:
        assert replay.differing_days() == []
    with by_rules(history, changed(health={"churn": {"risk_from": "formula"}})) as replay:
        assert replay.differing_days() == [str(earlier(ago)) for ago in (2, 1, 0)]
        assert replay.moves() == []


def test_other_rules_say_who_would_move_and_leave_history_alone(history: Days) -> None:
    files_before, before = files(history.lake.root.parent), history.health()
    with by_rules(history, changed(health={"status": {"healthy": 90}}), 1) as replay:
        moves = replay.moves()
    moved = {c for c, row in before.items() if row["health_status"] == "healthy" and row["health_score"] < 90}
    assert moved
    assert {move.customer_id for move in moves} == moved
    assert {(move.before, move.after) for move in moves} == {("healthy", "at_risk")}
    assert [move.mrr or 0 for move in moves] == sorted((move.mrr or 0 for move in moves), reverse=True)
    assert files(history.lake.root.parent) == files_before


def test_stricter_rules_flag_a_churn_earlier(history: Days) -> None:
    with by_rules(history, policy()) as replay:
        (plain,) = replay.churns()
    with by_rules(history, changed(health={"status": {"healthy": 99}})) as replay:
        (strict,) = replay.churns()
    assert (plain.customer_id, plain.day, plain.flagged_before) == ("fading", str(earlier(1)), 1)
    assert (strict.flagged_before, strict.flagged_after) == (1, 3)


def test_the_days_before_are_warmed_up_and_not_compared(history: Days) -> None:
    with replayed(history.lake, changed(health={"status": {"healthy": 90}}), 2, warm_up=2) as replay:
        assert replay.days == [str(earlier(1)), str(DAY)]
        rows = replay.lake.partition(HEALTH, str(earlier(3))).to_pyarrow().to_pylist()
        assert {row["policy_hash"] for row in rows} != {policy().hash}
        rows = replay.lake.partition(HEALTH, str(earlier(4))).to_pyarrow().to_pylist()
        assert {row["policy_hash"] for row in rows} == {policy().hash}


def test_a_home_without_health_has_nothing_to_replay(days: Days) -> None:
    with pytest.raises(LookupError, match="nothing to replay"), by_rules(days, policy()):
        pass
