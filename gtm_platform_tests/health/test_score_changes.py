"""The parts of a change add up to it, whatever changed; a single cause gets all of it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtm_platform.health import published_scores, restated_scores, rules, score_changes
from gtm_platform.health.checks import CHECKS
from gtm_platform.policy import Policy, policy
from gtm_platform_tests.health.days import HEALTH, Days, Facts, earlier
from gtm_platform_tests.tables import DAY, filled

pytestmark = pytest.mark.soak

PUBLISHED, CHANGES = published_scores.TABLE.key, score_changes.TABLE.key
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
SPANS = (1, 7, 30)
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
# A history is what each customer is on each of the days; on some it is none. A day costs as much for few customers.
HISTORY_DAYS = (31, 30, 12, 8, 7, 2, 1, 0)
HISTORIES = st.lists(st.fixed_dictionaries({ago: st.none() | FACTS for ago in HISTORY_DAYS}), min_size=20, max_size=40)


def span(part: dict[str, Any], days: int) -> Decimal:
    return part[f"points_{days}d"] or Decimal(0)


def causes(parts: list[dict[str, Any]], days: int = 1) -> list[Part]:
    """The parts over some days that are not 0."""
    listed = [(row["cause"], row["component"], row["fact"], float(span(row, days))) for row in parts]
    return sorted(part for part in listed if part[-1])


def published(days: Days, day: date = DAY) -> dict[str, int | None]:
    rows = days.lake.partition(PUBLISHED, str(day)).to_pyarrow().to_pylist()
    return {row["customer_id"]: row["health_score"] for row in rows}


def expect_adding_up(days: Days, day: date = DAY) -> int:
    """Compare each change since what was published with its parts; return how many changes there are."""
    parts, compared = days.changes(day), 0
    for customer, score in published(days, day).items():
        for back in SPANS:
            before = published(days, day - timedelta(days=back)).get(customer)
            if before is not None and score is not None:
                assert sum(span(part, back) for part in parts.get(customer, [])) == score - before, (customer, back)
                compared += 1
    return compared


@pytest.mark.soak
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(customers=HISTORIES, softer=st.sampled_from([None, 12, 1]))
def test_the_parts_of_any_history_add_up(
    days: Days, customers: list[Mapping[int, Facts | None]], softer: int | None
) -> None:
    """Customers come, go, come back and change in any way; on one of the days other rules begin."""
    for ago in HISTORY_DAYS:
        facts = {f"c{n:03}": history[ago] for n, history in enumerate(customers)}
        days.write_facts(earlier(ago), {name: each for name, each in facts.items() if each is not None})
        days.judge(earlier(ago), with_softer_rules() if softer and ago > softer else None)
        expect_adding_up(days, earlier(ago))
    unsplit = [part for parts in days.changes().values() for part in parts if part["cause"] == "unknown"]
    assert not unsplit, "every day was split"
    for check in CHECKS:
        if check.table == CHANGES:
            assert check.verdict(days.lake, str(DAY)).passed
    for table in (HEALTH, PUBLISHED, CHANGES, rules.KEY):
        for file in days.lake.versions(table):
            file.path.unlink()


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
    parts, change = days.changes(), days.health()["jane"]["score_change_7d"]
    assert change < 0
    assert causes(parts["jane"], 7) == [("customer", *cause, float(change))]
    (part,) = parts["jane"]
    assert (part["points_1d"], part["points_30d"]) == (None, None)  # there was no score then
    assert part["before_7d"] != part["after"]


def test_who_is_not_seen_loses_by_the_component_and_by_the_override(days: Days) -> None:
    days.write(earlier(1), {"jane": SETTLED | {"days_since_seen": 29}})
    days.write(DAY, {"jane": SETTLED | {"days_since_seen": 30}})
    parts = {(component, fact): points for _, component, fact, points in causes(days.changes()["jane"])}
    assert parts.keys() == {("activity", "days_since_seen"), ("override_inactive", "days_since_seen")}
    assert parts["override_inactive", "days_since_seen"] < -19


def test_a_percentile_that_others_moved_is_not_the_customers_own(days: Days) -> None:
    worth = {name: SETTLED | {"mrr_reporting": Decimal(n)} for n, name in enumerate(["a", "b", "c"], start=1)}
    days.write(earlier(1), worth)
    days.write(DAY, worth | {"c": SETTLED | {"mrr_reporting": Decimal(1)}})
    parts = days.changes()
    assert [part[:3] for part in causes(parts["b"])] == [("customer", "mrr", "mrr_of_other_customers")]
    assert [part[:3] for part in causes(parts["c"])] == [("customer", "mrr", "mrr_reporting")]
    assert expect_adding_up(days) == 3


def test_changes_of_several_days_are_the_sums_of_their_days(days: Days) -> None:
    for ago, seen, rating in ((7, 1, 5.0), (4, 9, 5.0), (1, 9, 2.0), (0, 2, 2.0)):
        days.write(earlier(ago), {"jane": SETTLED | {"days_since_seen": seen, "csat_avg_90d": rating}})
    parts = {part[2]: part[3] for part in causes(days.changes()["jane"], 7)}
    assert parts.keys() == {"csat_avg_90d"} or abs(parts["days_since_seen"]) < 0.5
    assert parts["csat_avg_90d"] < -5
    assert [part[2] for part in causes(days.changes()["jane"], 1)] == ["days_since_seen"]
    (rated,) = (part for part in days.changes()["jane"] if part["fact"] == "csat_avg_90d")
    assert (rated["points"], rated["before_7d"], rated["after"]) == (0, "5.0000", "2.0000")


def test_code_that_scores_otherwise_gets_all_of_the_change(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day before was made by a version that scored otherwise; made again by today's it has today's score."""
    days.write(earlier(1), {"jane": SETTLED | {"days_since_seen": 60}})
    (row,) = days.lake.partition(rules.KEY, str(earlier(1))).to_pyarrow().to_pylist()
    other = filled(rules.KEY, row | {"code_version": "another"}).to_pyarrow()
    days.lake.write(rules.KEY, str(earlier(1)), other)
    published_scores.TABLE.write_day(days.lake, str(earlier(1)))
    days.write_facts(earlier(1), {"jane": SETTLED})
    monkeypatch.setattr(restated_scores, "upstream", lambda: ())  # the tables of facts were made by the same code
    days.write(DAY, {"jane": SETTLED})
    change = published(days)["jane"] - published(days, earlier(1))["jane"]
    assert change > 0
    assert causes(days.changes()["jane"]) == [("code", "", "", float(change))]


def with_softer_rules() -> Policy:
    softer = policy().health.overrides.model_copy(update={"cancel": -10})
    return policy().model_copy(update={"health": policy().health.model_copy(update={"overrides": softer})})


def test_rules_that_changed_get_all_of_the_change(days: Days) -> None:
    cancelling = SETTLED | {"cancel_mentioned_at": datetime(2026, 11, 10, tzinfo=UTC)}
    days.write_facts(earlier(1), {"jane": cancelling, "joe": SETTLED})
    days.judge(earlier(1), with_softer_rules())
    days.write(DAY, {"jane": cancelling, "joe": SETTLED})
    parts = days.changes()
    assert causes(parts["jane"]) == [("rules", "", "", -20.0)]
    assert "joe" not in parts
    assert expect_adding_up(days) == 2


def test_a_day_that_is_made_again_leaves_what_was_published(days: Days) -> None:
    days.write(earlier(1), {"jane": SETTLED})
    days.write(DAY, {"jane": SETTLED | {"days_since_seen": 20}})
    before = days.changes()
    days.write(earlier(1), {"jane": SETTLED | {"days_since_seen": 50}})
    days.write(DAY, {"jane": SETTLED | {"days_since_seen": 20}})
    assert days.health()["jane"]["score_change_1d"] > 0  # since the day as it was made again
    assert days.changes() == before  # since what people saw
    assert float(sum(part["points_1d"] for part in before["jane"])) < 0


def test_who_comes_back_is_compared_with_the_last_score(days: Days) -> None:
    days.write(earlier(7), {"jane": SETTLED, "joe": SETTLED})
    days.write(earlier(3), {"joe": SETTLED})
    days.write(DAY, {"jane": SETTLED | {"days_since_seen": 40}, "joe": SETTLED})
    (part,) = causes(days.changes()["jane"], 7)
    assert part[:3] == ("customer", "", "time_without_score")
    assert expect_adding_up(days) == 2


def test_a_day_in_between_that_was_not_split_is_not_hidden(days: Days) -> None:
    days.write(earlier(7), {"jane": SETTLED})
    days.write(earlier(1), {"jane": SETTLED | {"days_since_seen": 20}})
    for file in days.lake.versions(CHANGES):
        file.path.unlink()
    days.write(DAY, {"jane": SETTLED | {"days_since_seen": 20}})
    ((cause, *_, points),) = causes(days.changes()["jane"], 7)
    assert (cause, points) == ("unknown", float(days.health()["jane"]["score_change_7d"]))
    assert causes(days.changes()["jane"], 1) == []


def test_parts_that_come_to_something_else_are_noticed(days: Days) -> None:
    days.write(earlier(1), {"jane": SETTLED, "joe": SETTLED})
    days.write(DAY, {"jane": SETTLED | {"days_since_seen": 40}, "joe": SETTLED})
    (check,) = (check for check in CHECKS if check.name == "parts_add_up")
    assert check.verdict(days.lake, str(DAY)).passed
    days.lake.write(CHANGES, str(DAY), days.lake.partition(CHANGES, str(DAY)).filter(False))
    verdict = check.verdict(days.lake, str(DAY))
    assert [row["customer_id"] for row in verdict.rows] == ["jane"]
