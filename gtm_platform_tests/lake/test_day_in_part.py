"""A day whose touched customers' rows were made again has the very rows that making all of it comes to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm_platform.lake.contract_check import Part
from gtm_platform.lake.contracts import Column, Contract, contract_of
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.day_check import PartCheck
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.overlay import Overlay
from gtm_platform.lake.owners import Owner
from gtm_platform_tests.lake.tables import declared

DAY = "2026-03-02"
LANDED = {
    "_window": Column("timestamp('UTC', 6)", nullable=False),
    "_extracted_at": Column("timestamp('UTC', 6)", nullable=False),
    "_deleted": Column("boolean", nullable=False),
}
ORDERS = Contract(
    {
        "id": Column("string", nullable=False),
        "buyer": Column("string"),
        "amount": Column("int64"),
        "remark": Column("string"),
        **LANDED,
    },
    key=("id",),
    cadence=24,
)
REFUNDS = Contract(
    {"id": Column("string", nullable=False), "order": Column("string"), "amount": Column("int64"), **LANDED},
    key=("id",),
    cadence=24,
)
NEWS = Contract({"id": Column("string", nullable=False), **LANDED}, key=("id",), cadence=24)
LINKS = Contract(
    {name: Column("string", nullable=False) for name in ("source", "record_id", "customer_id")},
    key=("source", "record_id"),
)
SPENT = Contract(
    {"customer_id": Column("string", nullable=False), "spent": Column("int64"), "remark": Column("string")},
    key=("customer_id",),
    figures={"spent": lambda table: table["spent"].sum()},
)
RICH = Contract({"customer_id": Column("string", nullable=False), "rich": Column("boolean")}, key=("customer_id",))
limits = {"rich": 10}


def limit() -> int:
    return limits["rich"]


def of_platform(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule as the platform has it: one whose module is known to the hash of the code."""
    rule.__module__ = "gtm_platform.shop"
    return rule


@of_platform
def spent(links: ibis.Table, orders: ibis.Table, refunds: ibis.Table, news: ibis.Table) -> ibis.Table:
    refunded = refunds.group_by(id="order").agg(back=refunds["amount"].sum())
    owned = links.join(orders.left_join(refunded, "id"), links["record_id"] == orders["buyer"])
    sums = owned.group_by("customer_id").agg(
        spent=(owned["amount"] - owned["back"].fill_null(0)).sum(), remark=owned["remark"].max()
    )
    is_on = news.count().as_scalar() > 0
    return sums.mutate(remark=ibis.ifelse(is_on, sums["remark"], None))


@of_platform
def rich(spent: ibis.Table, limit: int) -> ibis.Table:
    return spent.select("customer_id", rich=spent["spent"] >= limit)


@of_platform
def rich_among_all(spent: ibis.Table, limit: int) -> ibis.Table:
    """A rule that is of no customer alone."""
    return spent.select("customer_id", rich=spent["spent"] >= spent["spent"].mean().over(ibis.window()) + limit)


SPENT_TABLE = DailyTable(
    "shop/spent",
    SPENT,
    {"links": "identity/links", "orders": "shop/orders", "refunds": "shop/refunds", "news": "shop/news"},
    spent,
    per="customer",
    owners={
        "shop/orders": (Owner("shop", "buyer"),),
        "shop/refunds": (Owner("shop", "buyer", through=("shop/orders", "order")),),
    },
    whether_any=("shop/news",),
)
RICH_TABLE = DailyTable("shop/rich", RICH, {"spent": "shop/spent", "limit": limit}, rich, per="customer")
TABLES = (SPENT_TABLE, RICH_TABLE)


@dataclass
class Shop:
    """A shop whose day is made again as its records change."""

    lake: Lake
    windows: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=dict)
    whole: set[tuple[str, str]] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)

    def land(self, table: str, day: str, *records: dict[str, Any], whole: bool = False) -> None:
        """Read records in the window of a day; what it held stays, unless it is read whole."""
        window = self.windows.setdefault((table, day), {})
        if whole:
            window.clear()
            self.whole.add((table, day))
        window |= {each["id"]: each for each in records}
        moment = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        rows = [{"_window": moment, "_extracted_at": moment, "_deleted": False, **each} for each in window.values()]
        self._write(table, day, rows, full=(table, day) in self.whole)

    def link(self, **customers: str) -> None:
        """Say whose some records are."""
        self.links |= customers
        rows = [{"source": "shop", "record_id": each, "customer_id": of} for each, of in self.links.items()]
        self._write("identity/links", DAY, rows)

    def _write(self, table: str, day: str, rows: list[dict[str, Any]], full: bool = False) -> None:
        schema = contract_of(table).schema.to_pyarrow()
        batch = pa.RecordBatch.from_pylist(rows, schema=schema)
        self.lake.write(table, day, pa.RecordBatchReader.from_batches(schema, [batch]), full=full)

    def make(self, *tables: DailyTable) -> list[Part | None]:
        """Bring the day up to date, as a run by itself does; return of each table how much of it was made."""
        written = [table.write_day(self.lake, DAY, anew=False) for table in tables or TABLES]
        return [each and each.part for each in written]

    def stored(self, table: DailyTable) -> list[tuple[Any, ...]]:
        return rows_of(self.lake, table)


def rows_of(lake: Lake, table: DailyTable) -> list[tuple[Any, ...]]:
    [file] = [file for file in lake.files(table.key) if file.partition == DAY]
    names = ", ".join(table.contract.columns)
    return sorted(duckdb.sql(f"select {names} from read_parquet('{file.path}')").fetchall(), key=str)


def order(id: str, buyer: str, amount: int = 1, remark: str = "", deleted: bool = False) -> dict[str, Any]:
    return {"id": id, "buyer": buyer, "amount": amount, "remark": remark, "_deleted": deleted}


@pytest.fixture(autouse=True)
def _declared() -> Iterator[None]:
    limits["rich"] = 10
    own = {"shop__orders": ORDERS, "shop__refunds": REFUNDS, "shop__news": NEWS, "identity__links": LINKS}
    with declared(**own, shop__spent=SPENT, shop__rich=RICH):
        yield


def opened(lake: Lake) -> Shop:
    """A shop of ten customers, made for everybody."""
    shop = Shop(lake)
    shop.land("shop/orders", "2026-03-01", *(order(f"o{n}", f"r{n}", n) for n in range(10)), whole=True)
    shop.land("shop/refunds", "2026-03-01", {"id": "x", "order": "o9", "amount": 1})
    shop.land("shop/news", "2026-03-01", {"id": "first"})
    shop.link(**{f"r{n}": f"c{n}" for n in range(10)})
    assert shop.make() == [None, None]
    return shop


def test_only_touched_customers_are_made(lake: Lake) -> None:
    shop = opened(lake)
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    assert shop.make() == [Part(1, 10), Part(1, 10)]
    assert ("c3", 103, "") in shop.stored(SPENT_TABLE)
    assert ("c3", True) in shop.stored(RICH_TABLE)


def test_the_file_of_a_day_that_comes_to_the_same_is_left(lake: Lake) -> None:
    shop = opened(lake)
    before = lake.files("shop/spent")
    shop.land("shop/orders", DAY, order("o3", "r3", 3))
    assert shop.make() == [Part(0, 10), None]
    assert lake.files("shop/spent") == before


def test_whose_a_record_was_is_touched_too(lake: Lake) -> None:
    shop = opened(lake)
    shop.land("shop/orders", DAY, order("o3", "r4", 3), order("o5", "r5", deleted=True))
    shop.make()
    assert [row for row in shop.stored(SPENT_TABLE) if row[0] in ("c3", "c4", "c5")] == [("c4", 7, "")]


def test_a_refund_is_of_who_bought(lake: Lake) -> None:
    shop = opened(lake)
    shop.land("shop/refunds", DAY, {"id": "y", "order": "o8", "amount": 5})
    assert shop.make()[0] == Part(1, 10)
    assert ("c8", 3, "") in shop.stored(SPENT_TABLE)


def test_what_a_rule_does_not_read_is_no_difference(lake: Lake) -> None:
    shop = opened(lake)
    shop.land("shop/orders", DAY, order("o3", "r3", 3, remark="Thanks!"))
    assert shop.make() == [Part(1, 10), Part(0, 10)]
    assert ("c3", 3, "Thanks!") in shop.stored(SPENT_TABLE)


def test_a_source_that_begins_counts_for_everybody(lake: Lake) -> None:
    shop = opened(lake)
    shop.land("shop/news", DAY, {"id": "second"})
    assert shop.make()[0] == Part(0, 10)
    shop.land("shop/news", DAY, {"id": "first", "_deleted": True}, {"id": "second", "_deleted": True})
    assert shop.make()[0] is None
    assert {row[2] for row in shop.stored(SPENT_TABLE)} == {None}


def test_who_asks_for_it_has_everybody_made(lake: Lake) -> None:
    shop = opened(lake)
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    written = SPENT_TABLE.write_day(lake, DAY)
    assert written
    assert written.part is None
    assert PartCheck(SPENT_TABLE).verdict(lake, DAY).passed


def test_other_rules_are_for_everybody(lake: Lake) -> None:
    shop = opened(lake)
    limits["rich"] = 5
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    assert shop.make() == [Part(1, 10), None]
    assert ("c6", True) in shop.stored(RICH_TABLE)


def test_too_many_are_made_with_everybody(lake: Lake) -> None:
    shop = opened(lake)
    shop.land("shop/orders", DAY, *(order(f"n{n}", f"r{n}") for n in range(3)))
    assert shop.make() == [None, None]


def test_a_file_that_is_gone_or_damaged_is_made_for_everybody(lake: Lake) -> None:
    shop = opened(lake)
    [kept] = [file.path for file in lake.files("shop/spent")]
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    kept.write_bytes(kept.read_bytes()[:-9])
    assert shop.make()[0] is None
    [first] = [file.path for file in lake.files("shop/orders") if file.partition == DAY]
    shop.land("shop/orders", DAY, order("newer", "r3", 100))
    first.unlink()
    assert shop.make()[0] is None
    assert ("c3", 203, "") in shop.stored(SPENT_TABLE)


def test_a_rule_that_is_of_no_customer_alone_is_noticed(lake: Lake) -> None:
    """The check asks the rules about some customers, touched or not: here about all of the few."""
    shop, table = opened(lake), replace(RICH_TABLE, rule=rich_among_all)
    table.write_day(lake, DAY)
    assert PartCheck(table).verdict(lake, DAY).passed
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    shop.make(SPENT_TABLE, table)
    verdict = PartCheck(table).verdict(lake, DAY)
    assert not verdict.passed
    assert verdict.reason.endswith(f"make the whole day again with: gtm run shop/rich --partition {DAY}")


def test_an_owner_that_is_wrong_is_noticed(lake: Lake) -> None:
    wrong = {**SPENT_TABLE.owners, "shop/orders": (Owner("shop", "remark"),)}
    shop, table = opened(lake), replace(SPENT_TABLE, owners=wrong)
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    assert shop.make(table) == [Part(0, 10)]
    assert PartCheck(table).verdict(lake, DAY).count == 1


def test_a_day_that_waits_for_its_next_making_is_not_judged(lake: Lake) -> None:
    shop = opened(lake)
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    shop.make()
    shop.land("shop/orders", DAY, order("newer", "r4", 100))
    verdict = PartCheck(SPENT_TABLE).verdict(lake, DAY)
    assert (verdict.passed, verdict.lasting) == (True, False)


RECORDS, BUYERS = st.sampled_from([f"o{n}" for n in range(5)]), st.sampled_from([f"r{n}" for n in range(10)])
DAYS, AMOUNTS = st.sampled_from(["2026-03-01", DAY]), st.sampled_from([1, 20])
ORDERED = st.builds(order, RECORDS, BUYERS, AMOUNTS, st.sampled_from(["", "?"]), st.booleans())
HAPPENING = st.one_of(
    st.tuples(st.just("order"), DAYS, ORDERED),
    st.tuples(st.just("whole"), st.just(DAY), ORDERED),
    st.tuples(st.just("refund"), DAYS, RECORDS),
    st.tuples(st.just("link"), BUYERS, st.sampled_from([f"c{n}" for n in range(12)])),
    st.tuples(st.just("limit"), AMOUNTS),
    st.tuples(st.just("news"), st.booleans()),
)


def happen(shop: Shop, what: tuple[Any, ...]) -> None:
    match what:
        case ("order", day, ordered):
            shop.land("shop/orders", day, ordered)
        case ("whole", day, ordered):
            shop.land("shop/orders", day, ordered, whole=True)
        case ("refund", day, of):
            shop.land("shop/refunds", day, {"id": f"of {of}", "order": of, "amount": len(day + of) % 3})
        case ("link", record, customer):
            shop.link(**{record: customer})
        case ("limit", amount):
            limits["rich"] = amount
        case ("news", gone):
            shop.land("shop/news", DAY, {"id": "first", "_deleted": gone})


@settings(max_examples=5)
@given(st.lists(st.lists(HAPPENING, min_size=1, max_size=3), min_size=1, max_size=4))
def test_in_every_history_the_rows_are_those_of_making_all(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[tuple[Any, ...]]]
) -> None:
    root: Path = tmp_path_factory.mktemp("shop")
    limits["rich"] = 10
    shop = opened(Lake(root / "lake"))
    for nth, happenings in enumerate(history):
        for what in happenings:
            happen(shop, what)
        shop.make()
        whole = Overlay(root / f"whole{nth}", shop.lake)
        for table in TABLES:
            table.write_day(whole, DAY)
            assert shop.stored(table) == rows_of(whole, table)
            assert PartCheck(table).verdict(shop.lake, DAY).passed


@pytest.mark.soak
@settings(max_examples=30)
@given(st.lists(st.lists(HAPPENING, min_size=1, max_size=3), min_size=1, max_size=4))
def test_in_many_histories_the_rows_are_those_of_making_all(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[tuple[Any, ...]]]
) -> None:
    test_in_every_history_the_rows_are_those_of_making_all.hypothesis.inner_test(tmp_path_factory, history)  # type: ignore[attr-defined]
