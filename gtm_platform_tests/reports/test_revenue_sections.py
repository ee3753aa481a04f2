"""The sections of revenue in the monthly report, beside SQL over the lake."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.reports.competition import activity, competitors
from gtm_platform.reports.content import Table
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.period import MONTH
from gtm_platform.reports.revenue import by_definition, forecast
from gtm_platform.reports.wording import money, percent
from gtm_platform_tests.intelligence.world import settle_intelligence
from gtm_platform_tests.tables import filled

DAY = date(2026, 1, 31)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    settle_intelligence(lake, DAY, ["com_1", "com_2"])
    lake.write("core/unified_customers", str(DAY), engine().to_pyarrow(filled("core/unified_customers")))
    return lake


def figures(lake: Lake) -> Figures:
    return Figures(lake, MONTH.named("2026-01-01"), policy())


def cells(table: Table) -> list[list[str]]:
    return [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows]


def queried(lake: Lake, table: str, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query.format(table=f"({lake.query_day(table, str(DAY)).sql})")).fetchall()


def test_movements_by_each_definition_and_why_they_differ(lake: Lake) -> None:
    definitions, causes, movements = by_definition(figures(lake))
    expected = queried(
        lake,
        "intelligence/mrr_periods",
        """select opening / 100, closing / 100, nrr from {table} where period_start = date '2026-01-01'
            order by mrr_policy <> 'ours', mrr_policy""",
    )
    rows = cells(definitions)
    assert [row[0] for row in rows] == ["Ours", "ChartMogul", "Stripe"]
    assert [(row[1], row[8], row[9]) for row in rows] == [
        (money(opening, "usd"), money(closing, "usd"), percent(nrr)) for opening, closing, nrr in expected
    ]
    assert definitions.note.startswith("1 January to 31 January 2026. Opening + rates")
    assert [row[:4] for row in cells(movements)] == [
        ["Stripe", "Churn", "several subscriptions", "1"],
        ["Stripe", "Contraction", "several subscriptions", "1"],
    ]
    assert [row[:3] for row in cells(causes)] == [
        ["ChartMogul", "discount", "1"],
        ["ChartMogul", "fx", "1"],
        ["Stripe", "paused collection", "1"],
        ["Stripe", "discount", "2"],
    ]


def test_the_forecast_stands_beside_the_naive_one(lake: Lake) -> None:
    table = forecast(figures(lake))
    expected = queried(
        lake,
        "intelligence/revenue_forecast",
        "select value / 100, naive / 100, error, verdict from {table} order by months_ahead",
    )
    assert [(row[1], row[4], row[5]) for row in cells(table)] == [
        (money(value, "usd"), money(naive, "usd"), percent(error)) for value, naive, error, _ in expected
    ]
    assert table.note == expected[0][3]


def test_competitors_and_what_hurts(lake: Lake) -> None:
    rates, pains = competitors(figures(lake))
    rows = cells(rates)
    expected = queried(
        lake,
        "intelligence/competitor_rates",
        "select won + lost, prospects, exposed from {table} order by competitor = 'none', won + lost + prospects desc",
    )
    assert [row[0] for row in rows] == ["Pinecone", "Qdrant", "No competitor known"]
    assert [tuple(int(row[place]) for place in (2, 4, 6)) for row in rows] == expected
    assert cells(pains)[0] == ["Cost", "Pinecone", "Their users say so", "2", "2"]


def test_activity_has_what_is_enough_to_compare(lake: Lake) -> None:
    [table] = activity(figures(lake))
    assert [(row[0], row[1], row[-1]) for row in cells(table)] == [
        ("Deal won", "Met", "more often"),
        ("Customer stayed", "Wrote", "no clear difference"),
    ]
    assert table.note.startswith("Association, and no effect")


def test_a_home_without_them_says_so(tmp_path: Path) -> None:
    empty = figures(Lake(tmp_path / "empty"))
    tables = (*by_definition(empty), forecast(empty), *activity(empty))
    assert [cells(table) for table in tables] == [[]] * 5
    assert competitors(empty) == []
