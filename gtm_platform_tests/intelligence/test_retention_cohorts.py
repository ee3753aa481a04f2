"""The retention triangle: what is reconstructed, what is observed, and that a month that is over stays as it was."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis

from gtm_platform.intelligence.movements import mrr_periods, retention_cohorts
from gtm_platform.intelligence.movements.checks import triangle_is_not_the_movements
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence.histories import History
from gtm_platform_tests.intelligence.test_mrr_movements import moved
from gtm_platform_tests.tables import computed, filled, rows_of

ALL = ("mrr_forever_only", "mrr_recurring", "mrr_all", "mrr", "list_mrr")
JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))


def subscription(name: str, amount: int, started: date, ended: date | None = None, **details: Any) -> dict[str, Any]:
    row = {"subscription_id": name, "customer_id": name, "is_leading": True, "currency": "usd", "status": "active"}
    at = {"started_at": instant(started), "ended_at": ended and instant(ended)}
    row |= {"status": "canceled"} if ended else {}
    return row | dict.fromkeys(ALL, Decimal(amount)) | at | details


def instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def of_day(
    rows: list[dict[str, Any]], day: date, before: tuple[ibis.Table, ibis.Table] | None = None
) -> tuple[ibis.Table, ibis.Table]:
    """The day's movements and cohorts."""
    history = History({day: rows}, {row["customer_id"]: row["started_at"] for row in rows})
    movements = moved(history, day, before[0] if before else None, rules=policy())
    cohorts = computed(
        retention_cohorts.table,
        "intelligence/retention_cohorts",
        subscriptions=filled("core/subscriptions", *rows),
        revenue=filled(
            "core/revenue", *[{"customer_id": id, "first_paid_at": at} for id, at in history.paid_at.items()]
        ),
        moved=movements,
        previous=before[1] if before else filled("intelligence/retention_cohorts"),
        policy=policy(),
        day=day,
    )
    assert not rows_of(triangle_is_not_the_movements(cohorts, movements))
    return movements, cohorts


def triangle(cohorts: ibis.Table) -> dict[tuple[date, date], tuple[str, int, int]]:
    return {
        (row["cohort"], row["month"]): (row["basis"], row["customers"], row["mrr"] // 100) for row in rows_of(cohorts)
    }


def test_the_first_day_reconstructs_and_later_days_observe() -> None:
    a, b = subscription("a", 100, JANUARY), subscription("b", 50, JANUARY, ended=date(2026, 3, 9))
    c = subscription("c", 30, FEBRUARY)
    first = of_day([a, b, c], date(2026, 3, 20))
    expected = {
        (JANUARY, JANUARY): ("reconstructed", 2, 150),
        (JANUARY, FEBRUARY): ("reconstructed", 2, 150),
        (FEBRUARY, FEBRUARY): ("reconstructed", 1, 30),
        (JANUARY, MARCH): ("observed", 1, 100),
        (FEBRUARY, MARCH): ("observed", 1, 30),
    }
    assert triangle(first[1]) == expected
    dearer, d = subscription("c", 45, FEBRUARY), subscription("d", 7, date(2026, 3, 30))
    second = of_day([a, b, dearer, d], date(2026, 3, 31), first)
    expected |= {(FEBRUARY, MARCH): ("observed", 1, 45), (MARCH, MARCH): ("observed", 1, 7)}
    assert triangle(second[1]) == expected
    gone = subscription("a", 100, JANUARY, ended=date(2026, 4, 2))
    third = of_day([gone, b, dearer, d], date(2026, 4, 2), second)
    expected |= {(FEBRUARY, APRIL): ("observed", 1, 45), (MARCH, APRIL): ("observed", 1, 7)}
    assert triangle(third[1]) == expected, "March stays as it was on its last day"
    rows = {(row["cohort"], row["age"]): row for row in rows_of(third[1])}
    assert rows[FEBRUARY, 2]["mrr_retention"] == 1.5
    assert rows[JANUARY, 2]["customer_retention"] == 0.5


def test_what_is_worth_nothing_and_who_only_tries_is_in_no_cohort() -> None:
    rows = [
        subscription("a", 0, JANUARY),
        subscription("b", 10, JANUARY, status="trialing"),
        subscription("c", 10, JANUARY, status="incomplete_expired"),
    ]
    assert triangle(of_day(rows, date(2026, 3, 20))[1]) == {}


def _paying(worth: dict[str, int], day: date) -> History:
    rows = [subscription(name, amount, JANUARY) for name, amount in worth.items()]
    return History({day: rows}, {name: instant(JANUARY) for name in worth})


def test_periods_have_nrr_and_grr() -> None:
    days = (date(2026, 1, 31), date(2026, 2, 28))
    first = moved(_paying(dict.fromkeys("abcd", 100), days[0]), days[0], None, rules=policy())
    worth = {"a": 150, "b": 80, "d": 100, "e": 1000}
    second = moved(_paying(worth, days[1]), days[1], first, rules=policy())
    periods: ibis.Table | None = None
    for day, movements in zip(days, (first, second), strict=True):
        previous = filled("intelligence/mrr_periods") if periods is None else periods
        periods = computed(mrr_periods.table, "intelligence/mrr_periods", moved=movements, previous=previous, day=day)
    assert periods is not None
    rows = {row["period_start"]: row for row in rows_of(periods) if row["mrr_policy"] == "ours"}
    assert rows.keys() == {JANUARY, FEBRUARY}
    assert (rows[FEBRUARY]["nrr"], rows[FEBRUARY]["grr"]) == (330 / 400, 280 / 400)
    counts = {
        name: rows[FEBRUARY][f"{name}_customers"] for name in ("reactivation", "expansion", "contraction", "churn")
    }
    assert counts == {"reactivation": 1, "expansion": 1, "contraction": 1, "churn": 1}
    assert (rows[FEBRUARY]["until"], rows[FEBRUARY]["customers"]) == (days[1], 4)
