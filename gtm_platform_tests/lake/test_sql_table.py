"""Daily tables that are a query, and of which columns theirs are made."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from ibis.expr.operations import SQLQueryResult

from gtm_platform.lake import spark_engine
from gtm_platform.lake.contracts import Column, Contract, ContractBroken
from gtm_platform.lake.daily_table import DailyTable, DaysAgo, PreviousDay
from gtm_platform.lake.lake import DamagedFile, Lake
from gtm_platform.lake.sql_table import QueryUnreadable, sql_table
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, write

BOOKS = Contract(
    {"id": Column("string", nullable=False), "total": Column("int64"), "made_on": Column("date")}, key=("id",)
)
DAY = "2026-11-16"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        yield Lake(tmp_path / "lake")


def rows(lake: Lake, day: str = DAY) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = lake.partition("shop/books", day).order_by("id").to_pyarrow().to_pylist()
    return read


def test_inputs_are_read_out_of_the_braces(lake: Lake) -> None:
    table = sql_table(
        "shop/books",
        BOOKS,
        """
        select id, sum(sold) + coalesce(any_value(before.total), 0) as total, {day} as made_on
        from {shop/albums} join {shop/sales} using (id) left join {shop/books, previous day} as before using (id)
        where title <> '{{}}' group by id
        """,
    )
    assert table.inputs == {
        "shop_albums": "shop/albums",
        "shop_sales": "shop/sales",
        "shop_books_previous_day": PreviousDay("shop/books"),
    }
    write(lake, DAY, [album("a"), album("b", title="{}")], full=True)
    for day, sold in ((DAY, 2), ("2026-11-17", 5)):
        lake.write("shop/sales", day, pd.DataFrame({"id": ["a", "b"], "sold": [sold, sold]}))
        table.write_day(lake, day)
    assert rows(lake) == [{"id": "a", "total": 2, "made_on": date(2026, 11, 16)}]
    assert rows(lake, "2026-11-17") == [{"id": "a", "total": 7, "made_on": date(2026, 11, 17)}]


def test_a_source_table_is_read_as_of_the_day(lake: Lake) -> None:
    table = sql_table("shop/books", BOOKS, "select id, 1 as total, {day} as made_on from {shop/albums}")
    write(lake, DAY, [album("a")], full=True)
    write(lake, "2026-11-17", [album("later")])
    table.write_day(lake, DAY)
    assert [row["id"] for row in rows(lake)] == ["a"]


def test_days_before_are_inputs() -> None:
    table = sql_table("shop/books", BOOKS, "select id, sold as total, {day} as made_on from {shop/sales, 7 days ago}")
    assert table.earlier_days == [DaysAgo("shop/sales", 7)]


@pytest.mark.parametrize(
    ("sql", "error", "sentence"),
    [
        ("select * from {sales}", QueryUnreadable, "{sales} names no table; write {schema/table}"),
        ("select * from {shop/sales, tomorrow}", QueryUnreadable, "after the comma stands `7 days ago`"),
    ],
)
def test_a_brace_that_names_nothing_is_refused_where_it_stands(sql: str, error: Any, sentence: str) -> None:
    with pytest.raises(error) as refused:
        sql_table("shop/books", BOOKS, sql)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("sql", "error", "sentence"),
    [
        ("select idd from {shop/sales}", QueryUnreadable, 'shop/books: .*"idd" not found'),
        ("select id, sold as total from {shop/sales}", ContractBroken, r"missing: \['made_on'\]"),
        ("select id, 'x' as total, {day} as made_on from {shop/sales}", ContractBroken, "total is VARCHAR.*cast it"),
    ],
)
def test_a_query_that_does_not_fit_is_a_sentence(lake: Lake, sql: str, error: Any, sentence: str) -> None:
    lake.write("shop/sales", DAY, pd.DataFrame({"id": ["a"], "sold": [1]}))
    with pytest.raises(error, match=sentence):
        sql_table("shop/books", BOOKS, sql).write_day(lake, DAY)


def test_a_damaged_file_behind_a_query_is_named(lake: Lake) -> None:
    lake.write("shop/sales", DAY, pd.DataFrame({"id": [f"{n * 7919}" for n in range(5000)], "sold": 1}))
    [file] = lake.files("shop/sales")
    content = bytearray(file.path.read_bytes())
    content[4:2000] = b"\xff" * 1996
    file.path.write_bytes(content)
    table = sql_table("shop/books", BOOKS, "select id, sold as total, {day} as made_on from {shop/sales}")
    with pytest.raises(DamagedFile, match="gtm run shop/sales"):
        table.write_day(lake, DAY)


def test_columns_know_of_which_they_are_made_in_sql(lake: Lake) -> None:
    lake.write("shop/sales", DAY, pd.DataFrame({"id": ["a"], "sold": [1]}))
    write(lake, DAY, [album("a")], full=True)
    query = """with dear as (select id, price from {shop/albums} where price > 1)
               select s.id, sum(s.sold) * max(dear.price) as total, {day} as made_on
               from {shop/sales} as s left join dear using (id) group by s.id"""
    written = sql_table("shop/books", BOOKS, query).write_day(lake, DAY)
    assert written
    assert written.lineage == {
        "id": {("shop/sales", "id")},
        "total": {("shop/sales", "sold"), ("shop/albums", "price")},
        "made_on": frozenset(),
    }


def test_columns_know_of_which_they_are_made_in_expressions(lake: Lake) -> None:
    def rule(albums: ibis.Table, sales: ibis.Table, day: date) -> ibis.Table:
        both = sales.left_join(albums.select("id", "price"), "id").drop("id_right")
        summed = both.group_by("id").agg(total=(both["sold"] * both["price"].cast("int64").fill_null(1)).sum())
        more = albums.select("id", total=ibis.literal(1).cast("int64")).filter(ibis.literal(False))
        return summed.union(more).mutate(made_on=ibis.literal(day))

    lake.write("shop/sales", DAY, pd.DataFrame({"id": ["a"], "sold": [1]}))
    write(lake, DAY, [album("a", price=2)], full=True)
    table = DailyTable("shop/books", BOOKS, {"albums": "shop/albums", "sales": "shop/sales"}, rule)
    written = table.write_day(lake, DAY)
    assert written
    assert written.lineage == {
        "id": {("shop/sales", "id"), ("shop/albums", "id")},
        "total": {("shop/sales", "sold"), ("shop/albums", "price")},
        "made_on": frozenset(),
    }


def test_a_query_is_sparks_where_spark_computes_it(lake: Lake) -> None:
    lake.write("shop/sales", DAY, pd.DataFrame({"id": ["a"], "sold": [1]}))
    query = "select id, sold as total, {day} as made_on from {shop/sales}"
    table = sql_table("shop/books", BOOKS, query)
    rows = table.rule(shop_sales=lake.partition("shop/sales", DAY), day=date(2026, 11, 16))
    assert isinstance(rows, ibis.Table)
    [translated] = spark_engine.translated(rows).op().find(SQLQueryResult)
    assert "CAST(`total` AS BIGINT)" in translated.query


def test_a_rule_may_return_a_frame_of_which_nothing_is_known(lake: Lake) -> None:
    def rule(sales: ibis.Table, day: date) -> pd.DataFrame:
        return sales.to_pandas().rename(columns={"sold": "total"}).assign(made_on=day)

    lake.write("shop/sales", DAY, pd.DataFrame({"id": ["a"], "sold": [1]}))
    written = DailyTable("shop/books", BOOKS, {"sales": "shop/sales"}, rule).write_day(lake, DAY)
    assert written
    assert (written.rows, written.lineage) == (1, {})
    assert rows(lake) == [{"id": "a", "total": 1, "made_on": date(2026, 11, 16)}]
