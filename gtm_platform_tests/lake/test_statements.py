"""Queries of rules, kept: built once for all days and files, again where anything they follow from is another."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pytest

from gtm_platform.lake import statements
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.expressions.days import as_scalar, days_since, end_of, within
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.statements import NotReusable, is_reusable, statement_of
from gtm_platform.settings import settings
from gtm_platform_tests.lake.tables import ALBUMS, album, declared, write
from gtm_platform_tests.tables import filled

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
built: list[str] = []


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GTM_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    built.clear()
    with declared(shop__albums=ALBUMS):
        yield


def dated(albums: ibis.Table, day: date) -> ibis.Table:
    built.append("dated")
    moment = albums["_window"]
    return albums.select(
        "id",
        day=as_scalar(day),
        over=moment < end_of(day),
        ago=days_since(moment, day),
        new=within(moment, day, 1),
    )


def matched(pairs: Mapping[str, ibis.Table]) -> ibis.Table:
    built.append("matched")
    return pairs["left"].select("id").semi_join(pairs["right"].select("id"), "id")


def cheap(albums: ibis.Table, limit: int) -> ibis.Table:
    built.append("cheap")
    return albums.filter(albums["price"] < limit).select("id")


def own_rows(albums: ibis.Table) -> ibis.Table:
    return albums.select("id").union(ibis.memtable({"id": ["z"]}))


def rows(rule: Any, **arguments: Any) -> list[tuple[Any, ...]]:
    with cursor() as connection:
        return sorted(connection.execute(statement_of(rule, arguments).query.sql).fetchall())


def test_a_day_is_put_into_the_text_of_another(lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a"), album("b")])
    first = rows(dated, albums=lake.read_day("shop/albums", str(FIRST)), day=FIRST)
    write(lake, "2026-03-02", [album("c")])
    second = rows(dated, albums=lake.read_day("shop/albums", str(SECOND)), day=SECOND)
    assert built == ["dated"]
    assert first == [("a", FIRST, True, 0, True), ("b", FIRST, True, 0, True)]
    assert second == [("a", SECOND, True, 1, False), ("b", SECOND, True, 1, False), ("c", SECOND, True, 0, True)]


def test_each_argument_reads_its_own_files(lake: Lake) -> None:
    """Two inputs without a file are the same view; once they have files, they are none."""
    empty = lake.read("shop/albums", [])
    assert rows(matched, pairs={"left": empty, "right": empty}) == []
    write(lake, "2026-03-01", [album("a"), album("b")])
    write(lake, "2026-03-02", [album("b"), album("c")])
    first, second = (lake.partition("shop/albums", str(day)) for day in (FIRST, SECOND))
    assert rows(matched, pairs={"left": first, "right": second}) == [("b",)]
    assert rows(matched, pairs={"left": first, "right": first}) == [("a",), ("b",)]
    assert built == ["matched", "matched"]


def test_other_values_are_another_query(lake: Lake) -> None:
    write(lake, "2026-03-01", [album("a", price=5), album("b", price=15)])
    albums = lake.read_day("shop/albums", str(FIRST))
    assert rows(cheap, albums=albums, limit=10) == [("a",)]
    assert rows(cheap, albums=albums, limit=20) == [("a",), ("b",)]
    assert rows(cheap, albums=albums, limit=10) == [("a",)]
    assert built == ["cheap", "cheap"]


def test_rows_that_are_not_the_lakes_have_a_text_of_their_own(lake: Lake) -> None:
    """Of their columns is not known of which table they are, which is kept with the text."""
    arguments = {"albums": filled("shop/albums"), "limit": 10}
    assert statement_of(cheap, arguments).lineage == {"id": frozenset()}
    albums = lake.read_day("shop/albums", str(FIRST))
    statement = statement_of(cheap, arguments | {"albums": albums})
    assert statement.lineage == {"id": {("shop/albums", "id")}}
    assert statement.reads == {albums.get_name(): {"id", "price"}}


def test_other_code_is_another_query(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    albums = lake.read_day("shop/albums", str(FIRST))
    rows(cheap, albums=albums, limit=10)
    monkeypatch.setattr(statements, "code_hash", lambda: "of a later release")
    rows(cheap, albums=albums, limit=10)
    assert built == ["cheap", "cheap"]


@pytest.mark.parametrize("text", ["", "{", "[1]", '["select 1"]'])
def test_a_damaged_text_is_built_again(lake: Lake, text: str) -> None:
    albums = lake.read_day("shop/albums", str(FIRST))
    rows(cheap, albums=albums, limit=10)
    for file in (settings().cache / "statements").iterdir():
        file.write_text(text)
    assert rows(cheap, albums=albums, limit=10) == []
    assert built == ["cheap", "cheap"]


def test_old_texts_go(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    albums = lake.read_day("shop/albums", str(FIRST))
    rows(cheap, albums=albums, limit=10)
    monkeypatch.setattr(statements.time, "time", lambda: 4e9)
    rows(cheap, albums=albums, limit=20)
    assert not list((settings().cache / "statements").iterdir())  # all of them are old by this clock


def test_rows_of_python_are_refused(lake: Lake) -> None:
    with pytest.raises(NotReusable, match="rows of Python"):
        rows(own_rows, albums=lake.read_day("shop/albums", str(FIRST)))


def test_rules_of_other_packages_are_built_each_time() -> None:
    assert not is_reusable(dated)
