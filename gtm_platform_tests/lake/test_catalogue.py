from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from gtm_platform.lake import catalogue
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.lake.stores import STORES, lake_in
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, write


@pytest.fixture(params=STORES)
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    with declared(shop__albums=ALBUMS, shop__sales=SALES), lake_in(request.param, tmp_path, monkeypatch) as lake:
        yield lake


def ask(lake: Lake, sql: str) -> list:
    with duckdb.connect(str(catalogue.path_of(lake)), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_all_partitions_the_newest_versions_and_the_newest_day(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a", "old"), album("b")], full=True)
    write(lake, "2026-11-17", [album("a", "new")])
    for day, sold in (("2026-11-16", 1), ("2026-11-17", 2)):
        albums = lake.read_day("shop/albums", day)
        lake.write("shop/sales", day, albums.select("id", sold=albums.price.fill_null(sold).cast("int64")))
    assert catalogue.renew(lake)
    assert ask(lake, "select count(*) from shop.albums") == [(3,)]
    assert ask(lake, "select id, title from current.shop_albums order by id") == [("a", "new"), ("b", "x")]
    assert ask(lake, "select distinct sold from latest.sales") == [(2,)]


def test_a_table_without_files_is_an_empty_view(lake: Lake) -> None:
    catalogue.renew(lake)
    assert ask(lake, "select * from current.shop_albums") == []


def test_it_is_made_again_only_when_files_change(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")])
    assert [catalogue.renew(lake), catalogue.renew(lake)] == [True, False]
    write(lake, "2026-11-16", [album("a"), album("b")])
    assert catalogue.renew(lake)
    assert ask(lake, "select count(*) from shop.albums") == [(2,)]


def test_only_the_views_of_changed_files_are_made_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, "2026-11-16", [album("a")])
    catalogue.renew(lake)
    made = []
    make = catalogue._make_views
    monkeypatch.setattr(
        catalogue,
        "_make_views",
        lambda connection, of, table, files: made.append(table) or make(connection, of, table, files),
    )
    write(lake, "2026-11-17", [album("b")])
    catalogue.renew(lake)
    assert made == ["shop/albums"]
    assert ask(lake, "select count(*) from shop.albums") == [(2,)]
    assert ask(lake, "select count(*) from latest.sales") == [(0,)]


def test_a_file_of_a_version_that_noted_less_is_made_anew(lake: Lake) -> None:
    with duckdb.connect(str(catalogue.path_of(lake))) as connection:
        connection.execute(
            "create schema shop; create view shop.albums as select 1 as id; create table mine as select 2 as a"
        )
        connection.execute("create table listing as select 'x' as files, 'y' as contracts")
        connection.execute('create table platform_views as select \'"shop"."albums"\' as name')
    write(lake, "2026-11-16", [album("a"), album("b")])
    assert catalogue.is_stale(lake)
    assert catalogue.renew(lake)
    assert ask(lake, "select count(*) from shop.albums") == [(2,)]
    assert ask(lake, "select a from mine") == [(2,)]


def test_views_and_columns_say_what_they_mean(lake: Lake) -> None:
    catalogue.renew(lake)
    comments = ask(lake, "select comment from duckdb_views() where view_name = 'albums' and not internal")
    assert comments == [(f"{ALBUMS.about} Every version, by window.".strip(),)]
    columns = dict(ask(lake, "select column_name, comment from duckdb_columns() where table_name = 'shop_albums'"))
    assert columns == {
        name: (column.about + (" (personal)" if column.personal else "")) or None
        for name, column in ALBUMS.columns.items()
    }


def test_it_is_stale_from_the_first_file_until_it_is_renewed(lake: Lake) -> None:
    assert catalogue.is_stale(lake)
    catalogue.renew(lake)
    assert not catalogue.is_stale(lake)
    write(lake, "2026-11-16", [album("a")])
    assert catalogue.is_stale(lake)
    catalogue.renew(lake)
    assert not catalogue.is_stale(lake)


def test_a_view_keeps_its_comments_when_another_table_changes(lake: Lake) -> None:
    catalogue.renew(lake)
    write(lake, "2026-11-16", [album("a")])
    catalogue.renew(lake)
    [(comments,)] = ask(lake, "select count(comment) from duckdb_columns() where table_name = 'sales'")
    assert comments == 2 * sum(bool(column.about) for column in SALES.columns.values())


def test_a_lake_that_was_moved_is_listed_anew(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")])
    catalogue.renew(lake)
    moved = Lake(lake.root.parent / "restored" / "lake")
    moved.root.parent.mkdir()
    lake.root.rename(moved.root)
    catalogue.path_of(lake).rename(catalogue.path_of(moved))
    assert catalogue.is_stale(moved)
    assert catalogue.renew(moved)
    assert ask(moved, "select count(*) from shop.albums") == [(1,)]


@pytest.mark.faults("W6")
def test_it_can_be_renewed_while_somebody_reads(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")])
    catalogue.renew(lake)
    with duckdb.connect(str(catalogue.path_of(lake)), read_only=True) as reader:
        write(lake, "2026-11-16", [album("a"), album("b")])
        assert catalogue.renew(lake)
        assert reader.execute("select count(*) from shop.albums").fetchall() == [(1,)]  # its own list, still whole
    assert ask(lake, "select count(*) from shop.albums") == [(2,)]


def test_something_else_under_its_name_is_replaced(lake: Lake) -> None:
    catalogue.path_of(lake).parent.mkdir(parents=True, exist_ok=True)
    catalogue.path_of(lake).write_bytes(b"SQLite format 3\0" + b"\0" * 500)
    assert catalogue.renew(lake)
    assert ask(lake, "select 1") == [(1,)]
