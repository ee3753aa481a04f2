"""Use of the product: windows, states and sights of any feeds, and which feed counts of several."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import ibis
import pytest

from gtm_platform.core import activity
from gtm_platform.ingest.feeds import UsageFeed
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled, rows_as_table

Rows = Sequence[dict[str, Any]]
SCHEMAS = {
    "events/logins": ibis.schema({"who": "string", "day": "date", "count": "int64"}),
    "tours/sessions": ibis.schema(
        {"id": "string", "person": "string", "begun": "timestamp('UTC', 6)", "share": "int64"}
    ),
    "panel/accounts": ibis.schema({"id": "string", "read": "timestamp('UTC', 6)", "left": "decimal(24, 6)"}),
    "panel/days": ibis.schema({"id": "string", "day": "date", "used": "decimal(24, 6)", "logins": "int64"}),
    "panel/exports": ibis.schema({"id": "string", "at": "timestamp('UTC', 6)", "done": "boolean"}),
}
FEEDS = (
    UsageFeed("events", "logins", "events/logins", record_id="who", at="day", value="count", precedence=10),
    UsageFeed("events", "seen", "events/logins", record_id="who", at="day"),
    UsageFeed("tours", "onboarding", "tours/sessions", record_id="person", at="begun", value="share"),
    UsageFeed("panel", "seen", "panel/accounts", record_id="id", at="read"),
    UsageFeed("panel", "credits_left", "panel/accounts", record_id="id", at="read", value="left"),
    UsageFeed("panel", "credits_used", "panel/days", record_id="id", at="day", value="used"),
    UsageFeed("panel", "logins", "panel/days", record_id="id", at="day", value="logins", precedence=20),
    UsageFeed("panel", "exports", "panel/exports", record_id="id", at="at", value=lambda t: t["done"].cast("int64")),
)
PEOPLE = ("ann", "ben", "cleo")
# Ann is in all systems and twice in the panel, Ben in the panel only, Cleo nowhere.
RECORDS = {("events", "e1"): "ann", ("tours", "t1"): "ann", ("panel", "p1"): "ann", ("panel", "p2"): "ann"}
RECORDS[("panel", "p3")] = "ben"


def day(days: int) -> date:
    return DAY - timedelta(days=days)


def customers(feeds: Sequence[UsageFeed] = FEEDS, **rows: Rows) -> dict[str, dict[str, Any]]:
    """The figures by customer; `rows` by the name of the table, with an underscore."""
    links = [
        {"source": source, "record_id": record, "customer_id": customer, "match_method": "email"}
        for (source, record), customer in RECORDS.items()
    ]
    rule = partial(activity.activity, sorted(feeds, key=lambda feed: (feed.precedence, feed.source)))
    table = computed(
        rule,
        "core/activity",
        people=filled("identity/people", *[{"customer_id": person} for person in PEOPLE]),
        links=filled("identity/links", *links),
        used={name: rows_as_table(schema, rows.get(name.replace("/", "_"), [])) for name, schema in SCHEMAS.items()},
        policy=policy(),
        day=DAY,
    )
    return by("customer_id", table)


def test_logins_are_summed_over_windows_that_end_with_the_day() -> None:
    logins = [{"who": "e1", "day": day(ago), "count": 10**place} for place, ago in enumerate((-1, 0, 6, 7, 13, 14))]
    logins += [{"who": "e1", "day": day(ago), "count": 10 ** (6 + place)} for place, ago in enumerate((27, 28, 29, 30))]
    ann = customers(events_logins=logins)["ann"]
    assert ann["logins_7d"] == 110
    assert ann["logins_14d"] == 11110
    assert ann["logins_14d_before"] == 1100000
    assert ann["logins_28d_before"] == 1111111000
    assert ann["logins_30d"] == 111111110


def test_without_rows_a_sum_is_zero_for_whom_the_source_knows_and_null_for_others() -> None:
    somebody = {"id": "p9", "day": day(0), "used": Decimal(1), "logins": 1}
    figures = customers(panel_days=[somebody], panel_exports=[{"id": "p9", "at": days_ago(0), "done": True}])
    for name in ("logins_7d", "logins_14d_before", "credits_used_30d", "exports_30d"):
        assert [figures[person][name] for person in PEOPLE] == [0, 0, None]


def test_a_table_without_any_row_says_nothing_of_anybody() -> None:
    for row in customers().values():
        assert {value for name, value in row.items() if name != "customer_id"} == {None}


def test_the_first_feed_counts_whose_source_knows_the_customer_though_it_saw_no_login() -> None:
    panel = [{"id": id, "day": day(1), "used": Decimal(0), "logins": 5} for id in ("p1", "p2", "p3")]
    figures = customers(events_logins=[{"who": "e9", "day": day(0), "count": 1}], panel_days=panel)
    assert [figures[person]["logins_30d"] for person in PEOPLE] == [0, 5, None]
    figures = customers(panel_days=panel)  # the other source is off
    assert [figures[person]["logins_30d"] for person in PEOPLE] == [10, 5, None]


def test_a_state_is_that_of_the_newest_row_of_all_records() -> None:
    accounts = [
        {"id": "p1", "read": days_ago(3), "left": Decimal("70")},
        {"id": "p2", "read": days_ago(1), "left": Decimal("-12.5")},
        {"id": "p3", "read": days_ago(1), "left": None},
    ]
    sessions = [{"id": f"s{ago}", "person": "t1", "begun": days_ago(ago), "share": ago} for ago in (40, 7, 90)]
    figures = customers(panel_accounts=accounts, tours_sessions=sessions)
    assert [figures[person]["credits_remaining"] for person in PEOPLE] == [Decimal("-12.50"), None, None]
    assert [figures[person]["onboarding_pct"] for person in PEOPLE] == [7, None, None]


def test_onboarding_that_was_not_begun_is_at_zero() -> None:
    others = [{"id": "s1", "person": "t9", "begun": days_ago(1), "share": 50}]
    assert [customers(tours_sessions=others)[person]["onboarding_pct"] for person in PEOPLE] == [0, None, None]


def test_last_seen_is_the_latest_of_all_feeds_by_the_end_of_the_day_and_a_day_is_its_first_instant() -> None:
    late = days_ago(2).replace(hour=23, minute=59)
    accounts = [
        {"id": "p1", "read": late, "left": None},
        {"id": "p2", "read": days_ago(-1), "left": None},
        {"id": "p3", "read": days_ago(9), "left": None},
    ]
    seen = customers(panel_accounts=accounts)
    assert [(seen[person]["last_seen_at"], seen[person]["days_since_seen"]) for person in PEOPLE] == [
        (late, 2),
        (days_ago(9), 9),
        (None, None),
    ]
    seen = customers(panel_accounts=accounts, events_logins=[{"who": "e1", "day": day(1), "count": 0}])
    assert seen["ann"]["last_seen_at"] == datetime.combine(day(1), datetime.min.time(), late.tzinfo)


def test_sums_are_exact_and_count_what_the_value_says() -> None:
    days = [{"id": "p3", "day": day(ago), "used": Decimal("0.1"), "logins": 0} for ago in range(29)]
    exports = [{"id": "p3", "at": days_ago(ago), "done": ago != 1} for ago in (0, 1, 29, 30)]
    ben = customers(panel_days=days, panel_exports=exports)["ben"]
    assert (ben["credits_used_30d"], ben["exports_30d"]) == (Decimal("2.90"), 2)


def engagement(logins: int | None, onboarding: int | None) -> Fraction | None:
    parts = [] if logins is None else [(Fraction(7, 10), min(Fraction(1), Fraction(logins, 12)) * 100)]
    parts += [] if onboarding is None else [(Fraction(3, 10), Fraction(onboarding))]
    return (
        sum((share * score for share, score in parts), Fraction(0))
        if len(parts) == 2
        else parts[0][1]
        if parts
        else None
    )


@pytest.mark.parametrize("seed", range(4))
def test_engagement_mixes_logins_and_onboarding(seed: int) -> None:
    draw = random.Random(seed)
    logins, onboarding = draw.randrange(30), draw.randrange(101)
    of_panel = [{"id": "p3", "day": day(0), "used": Decimal(0), "logins": logins}]
    sessions = [{"id": "s1", "person": "t1", "begun": days_ago(1), "share": onboarding}]
    both = customers(events_logins=[{"who": "e1", "day": day(0), "count": logins}], tours_sessions=sessions)["ann"]
    assert both["engagement_score"] == pytest.approx(float(engagement(logins, onboarding) or 0), abs=1e-9)
    assert customers(tours_sessions=sessions)["ann"]["engagement_score"] == onboarding
    alone = customers(panel_days=of_panel)["ben"]["engagement_score"]
    assert alone == pytest.approx(float(engagement(logins, None) or 0), abs=1e-9)


def test_without_feeds_there_is_a_row_for_everybody() -> None:
    assert [row["last_seen_at"] for row in customers(feeds=()).values()] == [None] * len(PEOPLE)


def test_every_declared_feed_reads_its_table() -> None:
    """The columns that feeds name are there, and their values become those of core/activity."""
    assert {"seen"} <= {feed.measure for feed in activity.FEEDS}
    table = computed(
        activity.table,
        "core/activity",
        people=filled("identity/people", {"customer_id": "ann"}),
        links=filled("identity/links"),
        used={name: filled(name) for name in activity.TABLES},
        policy=policy(),
        day=DAY,
    )
    assert by("customer_id", table)["ann"]["last_seen_at"] is None
