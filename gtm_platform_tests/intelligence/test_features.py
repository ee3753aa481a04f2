"""Features are of the day alone, and what is foretold is no part of them."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from gtm_platform.intelligence.churn import features
from gtm_platform.intelligence.churn.labels import labelled
from gtm_platform.intelligence.churn.model import MODEL
from gtm_platform.intelligence.models.monthly import NothingToLearn, days_to_learn
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence.past import Past, past
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled

TABLES = {name: f"core/{name}" for name in ("profile", "revenue", "activity", "support", "calls")}


def features_on_day(**rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    inputs = {name: filled(table, *rows.get(name, [])) for name, table in TABLES.items()}
    return by("customer_id", computed(features.table, features.TABLE.key, **inputs, day=DAY))


def test_rates_and_differences_of_a_customer() -> None:
    row = features_on_day(
        profile=[{"customer_id": "a", "is_customer": True, "customer_status": "active", "signup_at": days_ago(400)}],
        revenue=[{"customer_id": "a", "mrr": Decimal(10), "first_paid_at": days_ago(390), "failed_payments_30d": 2}],
        activity=[
            {
                "customer_id": "a",
                "logins_7d": 7,
                "logins_28d_before": 56,
                "logins_14d": 10,
                "logins_14d_before": 30,
                "logins_30d": 45,
                "credits_used_30d": Decimal(30),
                "credits_remaining": Decimal(10),
            }
        ],
        support=[{"customer_id": "a", "conversations_90d": 6, "cancel_mentioned_at": days_ago(3)}],
    )["a"]
    assert (row["in_scope"], row["tenure_days"], row["days_since_cancel_mention"]) == (True, 400, 3)
    assert (row["logins_a_day_7d"], row["login_change_7d"], row["login_change_14d"]) == (1.0, -1.0, -0.5)
    assert (row["credits_used_share"], row["conversations_a_month"], row["failed_payments_30d"]) == (0.75, 2.0, 2.0)
    assert row["days_since_call"] is None


@pytest.mark.parametrize(
    ("status", "mrr", "in_scope"),
    [("active", 10, True), ("leaving", 10, False), ("trial", 0, False), ("active", None, False)],
)
def test_who_pays_and_is_not_leaving_already_is_in_scope(status: str, mrr: int | None, in_scope: bool) -> None:
    rows = features_on_day(
        profile=[{"customer_id": "a", "is_customer": True, "customer_status": status}, {"customer_id": "b"}],
        revenue=[{"customer_id": "a", "mrr": None if mrr is None else Decimal(mrr)}],
    )
    assert {name: row["in_scope"] for name, row in rows.items()} == {"a": in_scope}


def test_nothing_that_a_model_learns_of_is_an_id_a_score_or_the_subscription() -> None:
    words = ("id", "score", "health", "risk", "mrr", "plan", "status", "churn", "period", "subscription")
    assert not [name for name in features.FEATURES if set(name.split("_")) & set(words)]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Past:
    return past(tmp_path_factory.mktemp("past"), customers=40, steps=26)


def test_the_future_changes_nothing(short: Past) -> None:
    """The test is on the day at step 15; its 90 days end with step 24, and all after that is made up anew."""
    [month] = {day.replace(day=1) for day in short.days[15:16]}
    days = days_to_learn(MODEL, short.lake, month, policy())
    before = labelled(short.lake, days)
    on_the_day = short.lake.partition(features.TABLE.key, str(days[0])).to_pyarrow()
    assert 0 < sum(before["outcome"].to_pylist()) < len(before)
    for day, outcome, happened_on in zip(
        *(before[name].to_pylist() for name in ("day", "outcome", "happened_on")), strict=True
    ):
        assert outcome == (happened_on is not None)
        assert happened_on is None or day < happened_on <= day + timedelta(days=90)
    for step, day in enumerate(short.days):
        if day > days[0] + timedelta(days=90):
            short.write_day(
                day, [{"customer_id": f"new{step}", "mrr": 1, "customer_status": "active", "health_score": 1}]
            )
    features.TABLE.write_day(short.lake, str(days[0]))
    assert short.lake.partition(features.TABLE.key, str(days[0])).to_pyarrow().equals(on_the_day)
    assert labelled(short.lake, days).equals(before)


def test_outcomes_are_computed_only_once_they_are_over(short: Past) -> None:
    with pytest.raises(NothingToLearn, match=r"The 90 days after .* are not over"):
        labelled(short.lake, [short.days[20]])
    with pytest.raises(NothingToLearn, match="Features begin on 2025-01-01: none is 90 days older"):
        days_to_learn(MODEL, short.lake, short.days[3].replace(day=1), policy())
    with pytest.raises(NothingToLearn, match="There are no features of January 2031"):
        days_to_learn(MODEL, short.lake, short.days[0].replace(year=2031), policy())


def test_days_to_learn_of_are_apart_and_before_the_horizon(short: Past) -> None:
    tested, *trained = days_to_learn(MODEL, short.lake, short.days[15].replace(day=1), policy())
    assert all(tested - day >= timedelta(days=90) for day in trained)
    assert all(later - day >= timedelta(days=30) for later, day in pairwise(trained))
