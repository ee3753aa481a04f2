"""`quality/daily_metrics` and `quality/anomalies` in a lake: what is measured of a day, and which of it is odd."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest

from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.quality import anomalies, daily_metrics
from gtm_platform_tests.tables import DAY, LONG_AGO, filled, rows_of

CONTACTS, USE = "hubspot/contacts", "intercom/contacts"
Values = Mapping[tuple[str, str], Sequence[float | None]]


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def write_contacts(lake: Lake, day: date, hour: int, *contacts: Mapping[str, Any], full: bool = False) -> None:
    window = at(day) + timedelta(hours=hour)
    rows = [{"updated_at": LONG_AGO, "_window": window, "_extracted_at": window, **each} for each in contacts]
    lake.write(CONTACTS, f"{day}T{hour:02}00", filled(CONTACTS, *rows).to_pyarrow(), full=full)


def read_use(lake: Lake, day: date, hour: int, *, full: bool = False) -> None:
    """A window of the source that says who uses the product; nobody changed in it."""
    lake.write(USE, f"{day}T{hour:02}00", filled(USE).to_pyarrow(), full=full)


def write_customers(lake: Lake, *customers: Mapping[str, Any], day: date = DAY) -> None:
    rows = [
        {"customer_id": str(number), "as_of": day, "customer_status": "active", **each}
        for number, each in enumerate(customers)
    ]
    lake.write(daily_metrics.CUSTOMERS, str(day), filled(daily_metrics.CUSTOMERS, *rows).to_pyarrow())


def metrics(lake: Lake) -> dict[tuple[str, str], dict[str, Any]]:
    daily_metrics.TABLE.write_day(lake, str(DAY))
    return {(row["subject"], row["metric"]): row for row in rows_of(lake.read_day("quality/daily_metrics", str(DAY)))}


def test_a_source_table_is_measured_as_of_the_end_of_the_day(lake: Lake) -> None:
    write_customers(lake)
    write_contacts(lake, DAY - timedelta(days=1), 12, *({"id": str(n), "email": None} for n in range(4)), full=True)
    changed = {"id": "1", "email": "a@b.c", "updated_at": at(DAY, 20)}
    write_contacts(lake, DAY, 12, changed, {"id": "9", "email": "d@b.c", "updated_at": at(DAY, 19)})
    write_contacts(lake, DAY + timedelta(days=1), 0, {"id": "10", "updated_at": at(DAY + timedelta(days=1), 1)})
    measured = metrics(lake)
    assert measured[CONTACTS, "records"]["value"] == 5
    assert measured[CONTACTS, "records changed"]["value"] == 2
    nulls = measured[CONTACTS, "nulls of email"]
    assert (nulls["value"], nulls["base"], nulls["kind"]) == (60.0, 5, "share")
    assert (CONTACTS, "nulls of payload") not in measured
    assert {subject for subject, _ in measured} == {CONTACTS, daily_metrics.CUSTOMERS}, "nothing of sources never read"


def test_what_happened_on_a_day_is_left_out_until_the_day_is_over(lake: Lake) -> None:
    write_customers(lake)
    write_contacts(lake, DAY, 0, {"id": "1", "updated_at": at(DAY)}, full=True)
    assert (CONTACTS, "records changed") not in metrics(lake)
    write_contacts(lake, DAY, 12)
    assert metrics(lake)[CONTACTS, "records changed"]["value"] == 1


def test_customers_are_measured_and_others_are_not(lake: Lake) -> None:
    write_contacts(lake, DAY, 12, full=True)
    score = {"is_customer": True, "mrr_reporting": 100, "churn_risk": 10, "data_quality_score": 90}
    write_customers(
        lake,
        {**score, "health_score": 80, "health_status": "healthy", "plan_name": "Pro"},
        {**score, "health_score": 60, "health_status": "at_risk"},
        {"is_customer": False, "mrr_reporting": 5000, "health_score": 1},
    )
    measured = {metric: row["value"] for (subject, metric), row in metrics(lake).items() if "core/" in subject}
    wanted = {"customers": 2, "mrr": 200, "mean health score": 70, "customers healthy": 50, "nulls of plan_name": 50}
    assert {name: measured[name] for name in wanted} == wanted
    assert "active customers" not in measured, "no source of use was read to the end of the day"


def test_who_was_active_on_a_day_is_counted_once_the_day_is_over(lake: Lake) -> None:
    """Customers only, and only those who were seen on that very day."""
    seen = {"is_customer": True, "last_seen_at": at(DAY, 9)}
    write_customers(
        lake,
        seen,
        seen | {"last_seen_at": at(DAY, 23)},
        seen | {"last_seen_at": at(DAY - timedelta(days=1), 23)},
        seen | {"last_seen_at": None},
        seen | {"is_customer": False},
    )
    read_use(lake, DAY, 0, full=True)
    assert (daily_metrics.CUSTOMERS, "active customers") not in metrics(lake), "the day is not over"
    read_use(lake, DAY, 24 - (contract_of(USE).cadence or 0))
    measured = metrics(lake)[daily_metrics.CUSTOMERS, "active customers"]
    assert (measured["value"], measured["kind"]) == (2, "count")


def test_nobody_has_no_scores(lake: Lake) -> None:
    write_contacts(lake, DAY, 12, full=True)
    write_customers(lake)
    measured = [metric for subject, metric in metrics(lake) if subject == daily_metrics.CUSTOMERS]
    assert measured == ["customers"]


# --- what is odd ------------------------------------------------------------------------------------------------------


def write_history(lake: Lake, values: Values, kind: str = "count", until: date = DAY) -> None:
    """Metrics of some days up to a day; None is a day that lacks one."""
    days = max(map(len, values.values()))
    for number in range(days):
        day = until - timedelta(days=days - 1 - number)
        rows = [
            {"day": day, "subject": subject, "metric": metric, "kind": kind, "value": row[number], "base": 500}
            for (subject, metric), row in values.items()
            if row[number] is not None
        ]
        lake.write("quality/daily_metrics", str(day), filled("quality/daily_metrics", *rows).to_pyarrow())


def odd(lake: Lake, day: date = DAY) -> list[dict[str, Any]]:
    anomalies.TABLE.write_day(lake, str(day))
    return sorted(rows_of(lake.read_day("quality/anomalies", str(day))), key=lambda row: row["metric"])


def usual(days: int = 70) -> list[float | None]:
    return list(np.round(np.random.default_rng(1).normal(200, 5, days)))


@pytest.fixture
def synced(lake: Lake) -> None:
    """A source that was read to the end of the day."""
    write_contacts(lake, DAY, 12, full=True)


@pytest.mark.usefixtures("synced")
def test_an_odd_figure_stands_beside_what_was_expected(lake: Lake) -> None:
    write_history(lake, {(CONTACTS, "records"): [*usual(), 90.0], (CONTACTS, "records changed"): [*usual(), 201.0]})
    (row,) = odd(lake)
    assert (row["day"], row["subject"], row["metric"], row["kind"]) == (DAY, CONTACTS, "records", "drop")
    assert (row["value"], row["since"]) == (90, DAY)
    assert row["expected"] == pytest.approx(200, rel=0.05)
    assert row["deviation"] < -4


@pytest.mark.usefixtures("synced")
def test_a_figure_that_is_missing_is_odd_once_the_day_is_over(lake: Lake) -> None:
    history = {(CONTACTS, "records changed"): [*usual(), None], (CONTACTS, "records"): [*usual(), 200.0]}
    write_history(lake, history)
    (row,) = odd(lake)
    assert (row["metric"], row["kind"], row["value"], row["deviation"]) == ("records changed", "missing", None, None)
    write_history(lake, history, until=DAY + timedelta(days=1))
    assert odd(lake, DAY + timedelta(days=1)) == [], "tomorrow is not over"


@pytest.mark.usefixtures("synced")
def test_active_customers_who_stay_away_are_odd(lake: Lake) -> None:
    """A working week, of which the quiet weekends are usual and an empty Friday is not."""
    week = [200.0, 204.0, 198.0, 201.0, 203.0, 40.0, 38.0]  # Monday to Sunday
    days = [DAY - timedelta(days=ago) for ago in range(70, -1, -1)]
    values: list[float | None] = [week[day.weekday()] + day.day % 3 for day in days]
    subject = (daily_metrics.CUSTOMERS, "active customers")
    write_history(lake, {subject: values})
    assert odd(lake) == []
    write_history(lake, {subject: [*values[:-1], 60.0]})
    (row,) = odd(lake)
    assert (row["metric"], row["kind"], row["value"]) == ("active customers", "drop", 60)
    assert row["expected"] == pytest.approx(week[DAY.weekday()], rel=0.1)


@pytest.mark.usefixtures("synced")
def test_what_lasts_says_since_when(lake: Lake) -> None:
    write_history(lake, {(CONTACTS, "records"): [*usual(), 420.0, 430.0, 425.0]})
    (row,) = odd(lake)
    assert (row["kind"], row["since"]) == ("spike", DAY - timedelta(days=2))


@pytest.mark.usefixtures("synced")
def test_little_history_and_figures_that_never_differ_are_quiet(lake: Lake) -> None:
    write_history(lake, {(CONTACTS, "records"): [*usual(20), 5000.0]})
    assert odd(lake) == []
    write_history(lake, {(CONTACTS, "records"): [3.0] * 71})
    assert odd(lake) == []


@pytest.mark.usefixtures("synced")
def test_a_column_that_is_suddenly_empty_is_odd(lake: Lake) -> None:
    write_history(lake, {(CONTACTS, "nulls of email"): [0.0] * 70 + [35.0]}, kind="share")
    assert [row["kind"] for row in odd(lake)] == ["spike"]
