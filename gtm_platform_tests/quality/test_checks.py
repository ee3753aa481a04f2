"""The queries of the checks, over a handful of rows in the catalogue's shape."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from gtm_platform.quality.checks import MRR_SOURCES_DIFFER

ONE_ITEM = '{"discounts": [], "items": {"data": [{}]}}'
TWO_ITEMS = '{"discounts": [], "items": {"data": [{}, {}]}}'
DISCOUNTED = '{"discounts": [{"id":"di_1"}], "items": {"data": [{}]}}'


@pytest.fixture
def catalogue() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("""
            create schema current; create schema latest;
            create table latest.links (customer_id text, source text, record_id text);
            create table latest.revenue (customer_id text, mrr decimal(18, 2), currency text, mrr_source text);
            create table current.stripe_subscriptions
              (customer_id text, status text, interval_count bigint, phases int[], payload text);
            create table current.intercom_contacts
              (id text, stripe_plan_price decimal(24, 6), stripe_plan_interval text, stripe_subscription_status text)
        """)
        yield connection


def customer(
    catalogue: duckdb.DuckDBPyConnection, mrr: int, price: int, interval: str, payload: str = ONE_ITEM, count: int = 1
) -> None:
    rows: dict[str, list[Any]] = {
        "latest.revenue": ["ada", mrr, "eur", "stripe"],
        "current.stripe_subscriptions": ["cus_1", "active", count, [1], payload],
        "current.intercom_contacts": ["i1", price, interval, "active"],
    }
    catalogue.execute("insert into latest.links values ('ada', 'stripe', 'cus_1'), ('ada', 'intercom', 'i1')")
    for table, row in rows.items():
        catalogue.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)


@pytest.mark.parametrize(("mrr", "price", "interval"), [(100, 100, "month"), (100, 1200, "year"), (100, 101, "month")])
def test_a_copy_that_agrees_is_not_found(
    catalogue: duckdb.DuckDBPyConnection, mrr: int, price: int, interval: str
) -> None:
    customer(catalogue, mrr, price, interval)
    assert catalogue.execute(MRR_SOURCES_DIFFER).fetchall() == []


def test_a_copy_that_is_late_is_found_with_both_figures(catalogue: duckdb.DuckDBPyConnection) -> None:
    customer(catalogue, 100, 1500, "year")
    [[who, stripe, intercom, currency]] = catalogue.execute(MRR_SOURCES_DIFFER).fetchall()
    assert (who, stripe, intercom, currency) == ("ada", 100, 125, "eur")


@pytest.mark.parametrize(("payload", "count"), [(TWO_ITEMS, 1), (DISCOUNTED, 1), (ONE_ITEM, 3)])
def test_a_price_that_is_not_the_whole_is_no_second_opinion(
    catalogue: duckdb.DuckDBPyConnection, payload: str, count: int
) -> None:
    customer(catalogue, 100, 300, "month", payload, count)
    assert catalogue.execute(MRR_SOURCES_DIFFER).fetchall() == []
