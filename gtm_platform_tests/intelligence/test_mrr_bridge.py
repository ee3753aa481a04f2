"""Why definitions of MRR differ: each setting is a cause, per customer, and all causes come to the difference."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pytest

from gtm_platform.intelligence.movements import movement_bridge, mrr_bridge
from gtm_platform.intelligence.movements.checks import bridge_does_not_lead, movement_bridge_does_not_lead
from gtm_platform.policy import MrrPolicy, Policy, policy
from gtm_platform_tests.intelligence.histories import DAYS, History
from gtm_platform_tests.intelligence.test_mrr_movements import moved, rules_on
from gtm_platform_tests.tables import computed, filled, rows_of

ALL = ("mrr_forever_only", "mrr_recurring", "mrr_all")
DAY = DAYS[0]
AT = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)


def subscription(name: str = "a", **details: Any) -> dict[str, Any]:
    row = {"subscription_id": name, "customer_id": name, "is_leading": True, "currency": "usd", "status": "active"}
    return row | dict.fromkeys(ALL, Decimal(100)) | details


def bridged(history: History, day: Any, rules: Policy, before: ibis.Table | None = None) -> tuple[ibis.Table, ...]:
    movements = moved(history, day, before, rules=rules)
    causes = computed(
        mrr_bridge.table,
        "intelligence/mrr_bridge",
        subscriptions=filled("core/subscriptions", *history.subscriptions[day]),
        moved=movements,
        policy=rules,
        day=day,
    )
    return movements, causes


WIDER = MrrPolicy(name="wider", statuses=("active", "past_due", "trialing", "unpaid", "paused"), ends="service_end")


def compared(*definitions: MrrPolicy) -> Policy:
    rules = policy()
    return rules.model_copy(update={"revenue": rules.revenue.model_copy(update={"compared": definitions})})


@pytest.mark.parametrize(
    ("details", "cause", "amount"),
    [
        ({"status": "trialing"}, "trial", 10000),
        ({"status": "unpaid"}, "unpaid", 10000),
        ({"status": "canceled", "current_period_end": AT + timedelta(days=3)}, "end of service", 10000),
        ({"status": "canceled", "current_period_end": AT - timedelta(days=3)}, None, 0),
        ({}, None, 0),
    ],
)
def test_what_a_wider_definition_counts_has_its_cause(details: dict[str, Any], cause: str | None, amount: int) -> None:
    history = History({DAY: [subscription("b"), subscription(**details)]})
    _, causes = bridged(history, DAY, compared(WIDER))
    assert {row["cause"]: row["amount"] for row in rows_of(causes)} == ({cause: amount} if cause else {})


def test_several_causes_of_a_customer_are_told_apart() -> None:
    rows = [
        subscription(mrr_forever_only=Decimal(90), mrr_recurring=Decimal(80), mrr_all=Decimal(70)),
        subscription() | {"subscription_id": "paused", "pause": "void"},
        subscription() | {"subscription_id": "due", "status": "past_due"},
    ]
    strict = MrrPolicy(name="strict", statuses=("active",), discounts="forever_only", count_paused_collection=("void",))
    _, causes = bridged(History({DAY: rows}), DAY, compared(strict))
    shown = {row["cause"]: row["amount"] for row in rows_of(causes)}
    assert shown == {"past due": -10000, "paused collection": 10000, "discount": 1000}


def moved_otherwise(movements: ibis.Table, causes: ibis.Table, subscriptions: list[dict[str, Any]]) -> ibis.Table:
    return computed(
        movement_bridge.table,
        "intelligence/movement_bridge",
        moved=movements,
        bridge=causes,
        subscriptions=filled("core/subscriptions", *subscriptions),
    )


BYSTANDER = subscription("z")  # a definition that no customer has rows of is followed from that day on
TWO = [subscription(), subscription() | {"subscription_id": "other", "status": "trialing"}]
ENDED = [TWO[0] | {"status": "canceled"}, TWO[1]]


@pytest.mark.parametrize(("before", "after", "kinds"), [(TWO, ENDED, ("churn", "contraction")), (ENDED, TWO, ())])
def test_the_last_that_counts_by_ours_is_one_of_several_by_another(
    before: list[dict[str, Any]], after: list[dict[str, Any]], kinds: tuple[str, ...]
) -> None:
    rules = compared(WIDER)
    history = History({DAYS[0]: [*before, BYSTANDER], DAYS[2]: [*after, BYSTANDER]})
    opened, _ = bridged(history, DAYS[0], rules)
    movements, causes = bridged(history, DAYS[2], rules, opened)
    rows = {row["item"]: row for row in rows_of(moved_otherwise(movements, causes, after)) if row["item"] != "opening"}
    assert {row["cause"] for row in rows.values()} == {"several subscriptions"}
    assert rows.keys() == set(kinds or ("reactivation", "new", "expansion")) & rows.keys()
    assert sum(row["amount"] for row in rows.values()) == 0
    if kinds:
        assert (rows["churn"]["ours"], rows["contraction"]["theirs"]) == (10000, 10000)


def test_of_a_single_subscription_the_cause_is_what_its_mrr_differs_by() -> None:
    rules = compared(WIDER)
    trial, ended = [subscription(status="trialing")], [subscription(status="canceled")]
    opened, _ = bridged(History({DAYS[0]: [*ended, BYSTANDER]}), DAYS[0], rules)
    movements, causes = bridged(History({DAYS[2]: [*trial, BYSTANDER]}), DAYS[2], rules, opened)
    [row] = rows_of(moved_otherwise(movements, causes, trial))
    assert (row["item"], row["cause"], row["amount"]) == ("new", "trial", 10000)


def test_movements_lead_to_the_difference_for_every_customer_of_random_histories() -> None:
    history = History.random(seed=9, customers=300)
    before: ibis.Table | None = None
    seen: set[str] = set()
    for day in DAYS[:6]:
        movements, causes = bridged(history, day, rules_on(day), before)
        table = moved_otherwise(movements, causes, history.subscriptions[day])
        assert not rows_of(movement_bridge_does_not_lead(movements, table))
        seen |= {row["cause"] for row in rows_of(table)}
        before = movements
    assert seen >= {"several subscriptions", "counted before", "before the period", "fx", "discount"}
    assert rows_of(movement_bridge_does_not_lead(movements, table.filter(table["item"] != "churn")))


def test_causes_come_to_the_difference_for_every_customer_of_random_histories() -> None:
    history = History.random(seed=4, customers=300)
    before: ibis.Table | None = None
    for day in (DAYS[0], DAYS[5]):
        before, causes = bridged(history, day, rules_on(day), before)
        assert not rows_of(bridge_does_not_lead(before, causes))
        assert {row["cause"] for row in rows_of(causes)} >= {"discount", "paused collection", "end of service"}
    assert any(row["cause"] == "fx" for row in rows_of(causes))
