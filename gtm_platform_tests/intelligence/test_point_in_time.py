"""What comes later changes nothing: with another future the tables of a day are the same, and made again, too."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gtm_platform.intelligence.expansion.assets import TABLES as EXPANSION
from gtm_platform.intelligence.forecasts.assets import TABLES as FORECASTS
from gtm_platform.intelligence.movements.assets import TABLES as MOVEMENTS
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.intelligence.companies import pipeline
from gtm_platform_tests.intelligence.histories import DAYS, History
from gtm_platform_tests.intelligence.world import deals
from gtm_platform_tests.tables import filled, rows_of

TABLES = (*MOVEMENTS, *FORECASTS, *EXPANSION)
PAST, FUTURE = DAYS[:4], DAYS[4:]


def write(lake: Lake, table: str, day: date, rows: Iterable[dict[str, Any]]) -> None:
    lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))


def settle(lake: Lake, history: History, day: date, times: int = 1) -> None:
    """Write what a day is made from; everything is so many times as large."""
    at = datetime(2025, 3, 1, tzinfo=UTC)
    subscriptions = [
        {
            **row,
            "source": "stripe",
            "started_at": at + timedelta(days=place),
            "mrr": row["mrr_recurring"],
            "list_mrr": Decimal(times),
        }
        | {name: times * row[name] for name in ("mrr_forever_only", "mrr_recurring", "mrr_all")}
        for place, row in enumerate(history.subscriptions[day])
    ]
    write(lake, "core/subscriptions", day, subscriptions)
    paid = [
        {"customer_id": name, "first_paid_at": moment - timedelta(days=300)} for name, moment in history.paid_at.items()
    ]
    write(lake, "core/revenue", day, paid)
    customers = sorted({row["customer_id"] for row in subscriptions})
    write(lake, "identity/people", day, [{"customer_id": each, "company_id": each} for each in customers])
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    write(
        lake,
        "core/profile",
        day,
        [{"customer_id": each, "customer_status": "active", "signup_at": noon} for each in customers],
    )
    accounts = [{"company_id": each, "mrr": Decimal(9 * times), "limit_share": 0.9} for each in customers]
    write(lake, "cohorts/company_accounts", day, accounts)
    write(lake, "cohorts/company_cohorts", day, [{"company_id": each} for each in customers])
    write(lake, "intelligence/pipeline_deals", day, deals(pipeline(3, 400 * times), day, 300 + 40 * times))


def made(lake: Lake, days: Iterable[date]) -> dict[str, list[str]]:
    """The rows of each table on the last of some days, which are made in their order."""
    for day in days:
        for table in TABLES:
            if table.key != "intelligence/pipeline_deals":
                assert table.write_day(lake, str(day)) is not None, table.key
        last = str(day)
    return {table.key: sorted(map(str, rows_of(lake.partition(table.key, last)))) for table in TABLES}


@pytest.fixture
def lake() -> Lake:
    return the_lake()


def test_another_future_changes_no_table_of_the_day(lake: Lake) -> None:
    history = History.random(seed=7, customers=40)
    for day in PAST:
        settle(lake, history, day)
    before = made(lake, PAST)
    assert all(before.values())
    for day in FUTURE:
        settle(lake, history, day, times=5)
    made(lake, FUTURE)
    assert made(lake, PAST[-1:]) == before
    assert made(lake, PAST) == before
