"""A day is computed again where anything that its rows follow from is another, and only there."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm_platform.lake import made_from
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, DaysAgo, Prepared
from gtm_platform.lake.expressions.days import as_scalar
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.rotation import rotate
from gtm_platform_tests.lake.keys import K1, require_packages, use_keys
from gtm_platform_tests.lake.stores import STORES, lake_in, overwrite
from gtm_platform_tests.lake.tables import ALBUMS, album, declared, write

DAY, NEXT = "2026-03-02", "2026-03-03"
limits = {"price": 10}
computed: list[str] = []

CHEAP = Contract(
    {"id": Column("string", nullable=False), "as_of": Column("date")},
    key=("id",),
    figures={"cheap": lambda table: table.count()},
)
COUNT = Contract(
    {"one": Column("int8", nullable=False), "albums": Column("int64"), "before": Column("int64")}, key=("one",)
)


def of_platform(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule as the platform has it: one whose module is known to the hash of the code."""
    rule.__module__ = "gtm_platform.shop"
    return rule


@of_platform
def cheap(albums: ibis.Table, limit: int, day: date) -> ibis.Table:
    computed.append("cheap")
    return albums.filter(albums["price"] < limit).select("id", as_of=as_scalar(day))


@of_platform
def count(cheap: ibis.Table, yesterday: ibis.Table) -> ibis.Table:
    computed.append("count")
    rows = cheap.agg(albums=cheap.count())
    before = yesterday.agg(before=yesterday["albums"].max())
    return rows.cross_join(before).mutate(one=1)


def limit() -> int:
    return limits["price"]


@pytest.fixture(params=STORES)
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    with lake_in(request.param, tmp_path, monkeypatch) as lake:
        yield lake


@pytest.fixture(autouse=True)
def shop() -> Iterator[tuple[DailyTable, DailyTable]]:
    """Two tables, one made of the other; eager, so that they say when they are computed."""
    limits["price"] = 10
    computed.clear()
    with declared(shop__albums=ALBUMS):
        yield (
            DailyTable("shop/cheap", CHEAP, {"albums": "shop/albums", "limit": limit}, cheap, eager=True),
            DailyTable(
                "shop/count", COUNT, {"cheap": "shop/cheap", "yesterday": DaysAgo("shop/count", 1)}, count, eager=True
            ),
        )


def make(shop: tuple[DailyTable, ...], lake: Lake, day: str = DAY, *, anew: bool = False) -> list[str]:
    """The tables that were computed to bring a day up to date."""
    computed.clear()
    for table in shop:
        table.write_day(lake, day, anew=anew)
    return list(computed)


def stored(lake: Lake, table: str, day: str = DAY) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = lake.partition(table, day).to_pyarrow().to_pylist()
    return sorted(rows, key=str)


def files(lake: Lake) -> list[str]:
    return [file.path.name for table in ("shop/cheap", "shop/count") for file in lake.files(table)]


def test_nothing_is_computed_where_nothing_changed(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    assert make(shop, lake) == ["cheap", "count"]
    before = files(lake)
    assert make(shop, lake) == []
    assert files(lake) == before


def test_what_is_left_is_described_as_when_it_was_written(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    first, again = (shop[0].write_day(lake, DAY, anew=False) for _ in range(2))
    assert first is not None
    assert first.is_new
    assert first.lineage["id"] == {("shop/albums", "id")}
    assert again == replace(first, is_new=False)


def test_who_asks_for_it_has_it_computed(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    make(shop, lake)
    before = files(lake)
    assert make(shop, lake, anew=True) == ["cheap", "count"]
    assert not set(files(lake)) & set(before)
    assert make(shop, lake) == []  # and what was computed so is remembered, too


@of_platform
def unlike(albums: ibis.Table, before: Mapping[str, ibis.Table], day: date) -> ibis.Table:
    computed.append("unlike")
    return albums.anti_join(before["albums"], "id").select("id", as_of=as_scalar(day))


@contextmanager
def older(lake: Lake, day: str) -> Iterator[Mapping[str, ibis.Table]]:
    yield {"albums": lake.as_of("shop/albums", day)}  # before it began


def test_what_is_prepared_of_files_is_prepared_again_once_there_are_others(lake: Lake) -> None:
    def of_albums(lake: Lake) -> list[str]:
        return [file.path.name for file in lake.files("shop/albums")]

    inputs = {"albums": "shop/albums", "before": Prepared(older, of_albums)}
    table = DailyTable("shop/unlike", CHEAP, inputs, unlike, eager=True)
    write(lake, "2026-03-01", [album("a")])
    write(lake, DAY, [album("b")])
    assert make((table,), lake) == ["unlike"]
    assert make((table,), lake) == []
    write(lake, "2026-03-01", [album("b")])  # the day before has it now, too
    assert make((table,), lake) == ["unlike"]
    assert stored(lake, "shop/unlike") == []
    elsewhere = replace(table, inputs={"albums": "shop/albums", "before": Prepared(older)})
    assert make((elsewhere,), lake) == ["unlike"], "nobody knows what it is made of"
    assert make((elsewhere,), lake) == ["unlike"]


def test_what_comes_to_the_same_goes_no_further(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    make(shop, lake)
    before = files(lake)
    write(lake, DAY, [album("b", price=50)])
    assert make(shop, lake) == ["cheap"]
    assert files(lake) == before
    assert make(shop, lake) == []


def test_what_changed_goes_on(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    make(shop, lake)
    write(lake, DAY, [album("b", price=6)])
    assert make(shop, lake) == ["cheap", "count"]
    assert stored(lake, "shop/count") == [{"one": 1, "albums": 2, "before": None}]


def test_a_changed_yesterday_counts(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    for day in (DAY, NEXT):
        make(shop, lake, day)
    write(lake, DAY, [album("b", price=6)])
    write(lake, NEXT, [album("b", price=6, deleted=True)])  # the next day has as many as before
    make(shop, lake, DAY)
    assert make(shop, lake, NEXT) == ["cheap", "count"]
    assert stored(lake, "shop/count", NEXT) == [{"one": 1, "albums": 1, "before": 2}]


def test_another_value_counts(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5), album("b", price=15)])
    make(shop, lake)
    limits["price"] = 20
    assert make(shop, lake) == ["cheap", "count"]
    assert [row["id"] for row in stored(lake, "shop/cheap")] == ["a", "b"]


def test_a_value_without_a_text_of_its_own_is_never_the_same(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    table = replace(shop[0], inputs={"albums": "shop/albums", "limit": lambda: _Ten()})
    assert [make((table,), lake) for _ in range(2)] == [["cheap"], ["cheap"]]


class _Ten(int):
    """A number that prints as an object does."""

    def __new__(cls) -> "_Ten":
        return super().__new__(cls, 10)

    __repr__ = object.__repr__


def test_other_code_counts(shop: tuple[DailyTable, ...], lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    make(shop, lake)
    monkeypatch.setattr(made_from, "code_hash", lambda: "of a later release")
    assert make(shop, lake) == ["cheap", "count"]


def test_another_contract_counts(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    make(shop, lake)
    contract = replace(CHEAP, columns={**CHEAP.columns, "as_of": Column("date", nullable=False)})
    assert make((replace(shop[0], contract=contract),), lake) == ["cheap"]


def test_a_damaged_file_is_made_again(shop: tuple[DailyTable, ...], lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    make(shop, lake)
    [file] = [file.path for file in lake.files("shop/cheap")]
    overwrite(file, file.read_bytes()[:-9])
    assert make(shop, lake)[0] == "cheap"
    assert [row["id"] for row in stored(lake, "shop/cheap")] == ["a"]


def test_what_was_measured_is_noted_and_holds_as_long_as_the_bytes_are_the_same(
    shop: tuple[DailyTable, ...], lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, "2026-03-01", [album("a", price=5), album("b", price=6)])
    worth = {"worth": lambda table: (table.count() / 7).cast("decimal(38, 4)")}
    table = replace(shop[0], contract=replace(CHEAP, figures=worth))
    first, measured, check_files = table.write_day(lake, DAY), list[str](), made_from.check_files
    assert first

    def counted(subject: str, *arguments: Any) -> Any:
        measured.append(subject)
        return check_files(subject, *arguments)

    monkeypatch.setattr(made_from, "check_files", counted)
    again = table.write_day(lake, DAY, anew=False)
    assert again
    assert (again.rows, again.figures, again.is_new, measured) == (2, first.figures, False, [])
    [file] = [file.path for file in lake.files("shop/cheap")]
    contents = bytearray(file.read_bytes())
    contents[len(contents) // 2] ^= 1
    overwrite(file, bytes(contents))
    table.write_day(lake, DAY, anew=False)
    assert measured == [f"shop/cheap {DAY}"]


def test_a_note_is_plain_so_it_has_no_figure_of_an_encrypted_day(
    shop: tuple[DailyTable, ...], lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_packages()
    write(lake, "2026-03-01", [album("a", price=5)])
    make(shop, lake)
    note = lake.root / f"shop/cheap/.{DAY}.made_from.json"
    assert json.loads(note.read_text())["figures"] == {"cheap": 1}
    use_keys(monkeypatch, K1)
    list(rotate(lake))
    assert json.loads(note.read_text())["figures"] == {}
    assert make(shop, lake) == []
    limits["price"] = 3  # it is computed anew, and written under the key
    assert make(shop, lake) == ["cheap", "count"]
    assert json.loads(note.read_text())["figures"] == {}


@pytest.mark.parametrize("text", ["", "{", "[1]", json.dumps({"file": "other"})])
def test_a_note_that_is_damaged_costs_a_computation(shop: tuple[DailyTable, ...], lake: Lake, text: str) -> None:
    write(lake, "2026-03-01", [album("a", price=5)])
    make(shop, lake)
    before = files(lake)
    (lake.root / f"shop/cheap/.{DAY}.made_from.json").write_text(text)
    assert make(shop, lake) == ["cheap"]
    assert files(lake) == before


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("album"), st.sampled_from("abc"), st.sampled_from([5, 15]), st.sampled_from([DAY, NEXT])),
        st.tuples(st.just("limit"), st.sampled_from([10, 20])),
        st.tuples(st.just("make"), st.sampled_from([DAY, NEXT])),
    ),
    max_size=12,
)


@pytest.mark.soak
@settings(max_examples=40)
@given(CHANGES)
def test_in_every_history_the_rows_are_those_of_computing_all(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[Any, ...]]
) -> None:
    lake, whole = (Lake(tmp_path_factory.mktemp(name)) for name in ("lake", "whole"))
    with declared(shop__albums=ALBUMS):
        tables = [
            DailyTable("shop/cheap", CHEAP, {"albums": "shop/albums", "limit": limit}, cheap),
            DailyTable("shop/count", COUNT, {"cheap": "shop/cheap", "yesterday": DaysAgo("shop/count", 1)}, count),
        ]
        limits["price"] = 10
        for store in (lake, whole):
            write(store, "2026-03-01", [album("a", price=5)])
        for change in [*changes, ("make", DAY), ("make", NEXT)]:
            match change:
                case ("album", id, price, day):
                    for store in (lake, whole):
                        write(store, day, [album(id, price=price)])
                case ("limit", price):
                    limits["price"] = price
                case ("make", day):
                    for table in tables:
                        table.write_day(lake, day, anew=False)
        for day in (DAY, NEXT):
            for table in tables:
                table.write_day(whole, day)
                assert stored(lake, table.key, day) == stored(whole, table.key, day)
