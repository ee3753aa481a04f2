"""The parts of a change add up to it, whatever changed; a single cause gets all of it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtm_platform.health import past_scores, rules, score_changes
from gtm_platform.health.checks import CHECKS
from gtm_platform.policy import policy
from gtm_platform_tests.health.days import HEALTH, Days, Facts, earlier
from gtm_platform_tests.tables import DAY

SETTLED: dict[str, Any] = {
    "days_since_seen": 1,
    "csat_avg_90d": 4.0,
    "sentiment_90d": 0.0,
    "subscription_status": "active",
    "failed_payments_30d": 0,
    "logins_30d": 6,
    "onboarding_pct": 50.0,
    "mrr_reporting": Decimal(100),
}
Part = tuple[str, str, str, float]


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def moments(most: int) -> st.SearchStrategy[datetime]:
    return st.integers(0, most).map(lambda days: datetime(2026, 11, 20, 12, tzinfo=UTC) - timedelta(days=days))


FACTS = st.fixed_dictionaries(
    {
        "days_since_seen": maybe(st.integers(0, 80)),
        "csat_avg_90d": maybe(st.integers(4, 20).map(lambda quarters: quarters / 4)),
        "sentiment_90d": maybe(st.integers(-64, 64).map(lambda parts: parts / 64)),
        "subscription_status": maybe(st.sampled_from(["active", "trialing", "past_due", "unpaid", "canceled"])),
        "failed_payments_30d": maybe(st.integers(0, 3)),
        "logins_30d": maybe(st.integers(0, 20)),
        "onboarding_pct": maybe(st.integers(0, 100).map(float)),
        "signup_at": maybe(moments(1200)),
        "first_paid_at": maybe(moments(1200)),
        "mrr_reporting": maybe(st.integers(0, 99999).map(lambda cents: Decimal(cents) / 100)),
        "is_delinquent": maybe(st.booleans()),
        "open_critical_tickets": maybe(st.integers(0, 1)),
        "cancel_mentioned_at": maybe(moments(40)),
    }
)


def changes(days: Days) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """The parts of the day's changes, by customer and number of days."""
    assert score_changes.TABLE.write_day(days.lake, str(DAY))
    parts = defaultdict(list)
    for row in days.lake.partition("health/score_changes", str(DAY)).to_pyarrow().to_pylist():
        parts[row["customer_id"], row["days"]].append(row)
    return parts


def causes(parts: list[dict[str, Any]]) -> list[Part]:
    return sorted((row["cause"], row["component"], row["fact"], float(row["points"])) for row in parts)


def expect_adding_up(days: Days, parts: Mapping[tuple[str, int], list[dict[str, Any]]]) -> int:
    compared = 0
    for customer, row in days.health().items():
        for span in (1, 7, 30):
            change = row[f"score_change_{span}d"]
            assert sum(part["points"] for part in parts.get((customer, span), [])) == (change or 0)
            compared += change is not None
    return compared


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(customers=st.lists(st.tuples(FACTS, FACTS), min_size=1, max_size=40))
def test_the_parts_add_up_to_the_change(days: Days, customers: list[tuple[Facts, Facts]]) -> None:
    days.write(earlier(7), {f"c{n:03}": then for n, (then, _) in enumerate(customers)})
    days.write(DAY, {f"c{n:03}": now for n, (_, now) in enumerate(customers)})
    parts = changes(days)
    expect_adding_up(days, parts)
    assert all(row["cause"] == "customer" for rows in parts.values() for row in rows)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"days_since_seen": 20}, ("activity", "days_since_seen")),
        ({"csat_avg_90d": 1.0}, ("support", "csat_avg_90d")),
        ({"sentiment_90d": -0.9}, ("support", "sentiment_90d")),
        ({"subscription_status": "past_due"}, ("payment", "subscription_status")),
        ({"failed_payments_30d": 2}, ("payment", "failed_payments_30d")),
        ({"logins_30d": 0}, ("engagement", "logins_30d")),
        ({"onboarding_pct": 0.0}, ("engagement", "onboarding_pct")),
        ({"mrr_reporting": Decimal(0)}, ("mrr", "mrr_reporting")),
        ({"cancel_mentioned_at": datetime(2026, 11, 19, tzinfo=UTC)}, ("override_cancel", "cancel_mentioned_at")),
        ({"is_delinquent": True}, ("override_delinquent", "is_delinquent")),
        ({"open_critical_tickets": 1}, ("override_critical", "open_critical_tickets")),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[1],
)
def test_a_single_fact_gets_all_of_the_change(days: Days, changed: dict[str, Any], cause: tuple[str, str]) -> None:
    joe = SETTLED | {"mrr_reporting": Decimal(50)}
    days.write(earlier(7), {"jane": SETTLED, "joe": joe})
    days.write(DAY, {"jane": SETTLED | changed, "joe": joe})
    parts, change = changes(days), days.health()["jane"]["score_change_7d"]
    assert change < 0
    own = causes(parts["jane", 7])
    assert own == [("customer", *cause, float(change))]


def test_who_is_not_seen_loses_by_the_component_and_by_the_override(days: Days) -> None:
    days.write(earlier(1), {"jane": SETTLED | {"days_since_seen": 29}})
    days.write(DAY, {"jane": SETTLED | {"days_since_seen": 30}})
    parts = {(component, fact): points for _, component, fact, points in causes(changes(days)["jane", 1])}
    assert parts.keys() == {("activity", "days_since_seen"), ("override_inactive", "days_since_seen")}
    assert parts["override_inactive", "days_since_seen"] < -19


def test_a_percentile_that_others_moved_is_not_the_customers_own(days: Days) -> None:
    worth = {name: SETTLED | {"mrr_reporting": Decimal(n)} for n, name in enumerate(["a", "b", "c"], start=1)}
    days.write(earlier(1), worth)
    days.write(DAY, worth | {"c": SETTLED | {"mrr_reporting": Decimal(1)}})
    parts = changes(days)
    assert [part[:3] for part in causes(parts["b", 1])] == [("customer", "mrr", "mrr_of_other_customers")]
    assert [part[:3] for part in causes(parts["c", 1])] == [("customer", "mrr", "mrr_reporting")]
    assert expect_adding_up(days, parts) == 3


def test_code_that_scores_otherwise_gets_all_of_the_change(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day before was made by a version that scored otherwise; made again by today's it has today's score."""
    days.write(DAY, {"jane": SETTLED})
    days.write(earlier(1), {"jane": SETTLED | {"days_since_seen": 60}})
    old = days.lake.partition(HEALTH, str(earlier(1))).to_pyarrow()
    days.write_facts(earlier(1), {"jane": SETTLED})
    monkeypatch.setattr(rules, "code_version", lambda: "another")
    rules.TABLE.write_day(days.lake, str(earlier(1)))
    monkeypatch.undo()
    days.lake.write(HEALTH, str(earlier(1)), old)
    days.judge(DAY)
    monkeypatch.setattr(past_scores, "upstream", lambda: ())  # the tables of facts were made by the same code
    parts, change = changes(days), days.health()["jane"]["score_change_1d"]
    assert change > 0
    assert causes(parts["jane", 1]) == [("code", "", "", float(change))]


def test_rules_that_changed_get_all_of_the_change(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    softer = policy().health.overrides.model_copy(update={"cancel": -10})
    old = policy().model_copy(update={"health": policy().health.model_copy(update={"overrides": softer})})
    cancelling = SETTLED | {"cancel_mentioned_at": datetime(2026, 11, 10, tzinfo=UTC)}
    days.write_facts(earlier(1), {"jane": cancelling, "joe": SETTLED})
    days.judge(earlier(1), old)
    days.write(DAY, {"jane": cancelling, "joe": SETTLED})
    monkeypatch.setattr(past_scores, "upstream", lambda: ())  # the rules that changed are those of health alone
    parts = changes(days)
    assert causes(parts["jane", 1]) == [("rules", "", "", -20.0)]
    assert parts["joe", 1] == []
    assert expect_adding_up(days, parts) == 2


def test_a_change_whose_parts_come_to_something_else_is_noticed(days: Days) -> None:
    days.write(earlier(1), {"jane": SETTLED, "joe": SETTLED})
    days.write(DAY, {"jane": SETTLED | {"days_since_seen": 40}, "joe": SETTLED})
    changes(days)
    (check,) = (check for check in CHECKS if check.name == "parts_add_up")
    assert check.verdict(days.lake, str(DAY)).passed
    days.write(earlier(1), {"jane": SETTLED | {"days_since_seen": 12}, "joe": SETTLED})
    changes(days)
    verdict = check.verdict(days.lake, str(DAY))
    assert [row["customer_id"] for row in verdict.rows] == ["jane"]
