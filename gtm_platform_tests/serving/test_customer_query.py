"""Lists of customers: filters, sorts and pages, against the rows themselves."""

from collections.abc import Callable
from typing import Any

import pytest

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.serving.snapshot.layout import FILTERS, SORTS
from gtm_platform.serving.store import BadQuery, CustomerQuery, Snapshot
from gtm_platform_tests.serving.world import PEOPLE, TODAY, health, person

ROWS = [person(i, TODAY) for i in range(PEOPLE)]
CURRENT = [row for row in ROWS if row["is_customer"]]

CASES: list[tuple[dict[str, list[Any]], Callable[[dict[str, Any]], bool]]] = [
    ({"health": ["critical"]}, lambda row: row["health_status"] == "critical"),
    ({"health": ["critical", "high_risk"]}, lambda row: row["health_status"] in ("critical", "high_risk")),
    ({"status": ["active"]}, lambda row: row["customer_status"] == "active"),
    ({"account_manager": ["Sam Lee"]}, lambda row: row["assigned_am"] == "Sam Lee"),
    ({"account_manager": [""]}, lambda row: row["assigned_am"] is None),
    ({"plan": ["scale", "starter"]}, lambda row: row["plan_tier"] in ("scale", "starter")),
    ({"signal": ["low_csat"]}, lambda row: "low_csat" in row["risk_signals"]),
    ({"company": ["com_03"]}, lambda row: row["company_id"] == "com_03"),
    ({"cohort": [COHORTS[1], COHORTS[2]]}, lambda row: int(row["company_id"][-2:]) % 4 in (1, 2)),
    ({"domain": ["firm3.example"]}, lambda row: row["company_domain"] == "firm3.example"),
    ({"country": ["DE"]}, lambda row: row["country"] == "DE"),
    ({"currency": ["eur"]}, lambda row: row["currency"] == "eur"),
    ({"mrr_min": [300]}, lambda row: (row["mrr_reporting"] or 0) >= 300),
    ({"mrr_max": [100]}, lambda row: row["mrr_reporting"] is not None and row["mrr_reporting"] <= 100),
    ({"score_min": [70]}, lambda row: row["health_score"] >= 70),
    ({"score_max": [30]}, lambda row: row["health_score"] <= 30),
    ({"risk_min": [50]}, lambda row: row["churn_risk"] >= 50),
    ({"change_max": [-10]}, lambda row: health(row)["score_change_7d"] <= -10),
    ({"health": ["critical"], "mrr_min": [100]}, lambda row: row["health_score"] < 30 and (row["mrr"] or 0) >= 100),
]


@pytest.mark.parametrize(("filters", "holds"), CASES, ids=[str(filters) for filters, _ in CASES])
def test_filters(filters: dict[str, list[Any]], holds: Callable[[dict[str, Any]], bool], snapshot: Snapshot) -> None:
    expected = [row for row in CURRENT if holds(row)]
    page = snapshot.customers(CustomerQuery(filters, limit=1000))
    assert expected
    assert {row["customer_id"] for row in page.rows(personal=False)} == {row["customer_id"] for row in expected}
    assert page.total == len(expected)
    assert page.total_mrr == pytest.approx(float(sum(row["mrr_reporting"] or 0 for row in expected)))


def test_every_filter_is_tried() -> None:
    assert {name for filters, _ in CASES for name in filters} == set(FILTERS)


def test_current_customers_unless_others_are_meant(snapshot: Snapshot) -> None:
    assert snapshot.customers(CustomerQuery()).total == len(CURRENT)
    former = snapshot.customers(CustomerQuery(customers="former", limit=100)).rows(personal=False)
    assert {row["customer_id"] for row in former} == {
        row["customer_id"] for row in ROWS if row["customer_status"] == "churned"
    }
    assert snapshot.customers(CustomerQuery(customers="all")).total == PEOPLE


@pytest.mark.parametrize("sort", [sign + name for name in SORTS for sign in ("", "-")])
def test_pages_in_order_with_everybody_once(sort: str, snapshot: Snapshot) -> None:
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = snapshot.customers(CustomerQuery(customers="all", sort=sort, limit=7, cursor=cursor))
        rows += page.rows(personal=False)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(rows) == len({row["customer_id"] for row in rows}) == PEOPLE
    values = [row[SORTS[sort.removeprefix("-")]] for row in rows]
    present = [value for value in values if value is not None]
    assert present == sorted(present, reverse=sort.startswith("-"))
    absent = values[len(present) :] if sort.startswith("-") else values[: -len(present)]
    assert set(absent) <= {None}


def test_a_cursor_is_of_its_question(snapshot: Snapshot) -> None:
    cursor = snapshot.customers(CustomerQuery(limit=3)).next_cursor
    with pytest.raises(BadQuery, match="cursor"):
        snapshot.customers(CustomerQuery({"health": ["critical"]}, limit=3, cursor=cursor))
    assert snapshot.customers(CustomerQuery(limit=9, cursor=cursor)).documents  # a page of another length is the same


@pytest.mark.parametrize(
    "query", [{"sort": "name"}, {"limit": 0}, {"limit": 1001}, {"filters": {"secret": ["x"]}}, {"sort": "--mrr"}]
)
def test_a_question_that_makes_no_sense(query: dict[str, Any]) -> None:
    with pytest.raises(BadQuery) as raised:
        CustomerQuery(**query)
    assert "secret" not in str(raised.value)
