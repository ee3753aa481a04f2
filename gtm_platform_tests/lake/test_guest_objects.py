"""What people keep in gtm.duckdb is there after the views were made again."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from gtm_platform.lake import catalogue
from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.guest_objects import CatalogueBusy, NameTaken, keeping
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, write

pytestmark = pytest.mark.soak

DAYS = ("2026-11-16", "2026-11-17", "2026-11-18")


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        lake = Lake(tmp_path / "lake")
        write(lake, DAYS[0], [album("a")], full=True)
        catalogue.renew(lake)
        yield lake


def change(lake: Lake, sql: str) -> None:
    with duckdb.connect(str(catalogue.path_of(lake))) as connection:
        connection.execute(sql)


def ask(lake: Lake, sql: str) -> list:
    with duckdb.connect(str(catalogue.path_of(lake)), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("made", "query", "answer"),
    [
        ("create table main.top as select 7 as n", "from main.top", [(7,)]),
        ("create table shop.top (n int primary key); insert into shop.top values (1)", "from shop.top", [(1,)]),
        ("create schema mine; create table mine.t as select 1 as n", "from mine.t", [(1,)]),
        ("create view ids as select id from current.shop_albums", "select count(*) from ids", [(2,)]),
        ("create view latest.mine as select 5 as n", "from latest.mine", [(5,)]),
        ("create macro twice(n) as 2 * n", "select twice(4)", [(8,)]),
        ("create sequence numbers start 3", "select start_value from duckdb_sequences()", [(3,)]),
    ],
)
def test_it_survives_that_the_views_are_made_again(lake: Lake, made: str, query: str, answer: list) -> None:
    change(lake, made)
    for day in DAYS[1:]:
        write(lake, day, [album("b")])
        assert catalogue.renew(lake)
        assert ask(lake, query) == answer
    assert ask(lake, "select count(*) from current.shop_albums") == [(2,)]
    assert ask(lake, "select count(*) from shop.albums") == [(3,)]


def test_a_view_of_a_table_that_is_gone_goes(lake: Lake) -> None:
    change(lake, "create table main.top as select 7 as n")
    del TABLES["shop/sales"]
    catalogue.renew(lake)
    assert ask(lake, "select view_name from duckdb_views() where view_name = 'sales'") == []
    assert ask(lake, "from main.top") == [(7,)]


def test_a_table_that_another_code_location_declares_has_its_views(lake: Lake) -> None:
    with declared(marts__books=SALES):
        for day in DAYS:
            sold = lake.read_day("shop/albums", day).select("id", sold=ALBUMS.schema.__len__())
            lake.write("marts/books", day, sold.mutate(sold=sold["sold"].cast("int64")))
    assert catalogue.renew(lake)
    assert ask(lake, "select count(*) from marts.books") == [(3,)]
    assert ask(lake, "select count(*) from latest.books") == [(1,)]


def test_a_name_that_is_taken_is_a_sentence_and_nothing_is_lost(lake: Lake) -> None:
    change(lake, "create schema marts; create table marts.books as select 1 as n")
    with declared(marts__books=SALES), pytest.raises(NameTaken, match=r'"books" already exists.*Rename or drop it'):
        catalogue.renew(lake)
    assert ask(lake, "from marts.books") == [(1,)]


def test_while_another_program_writes_it_stays_as_it_is(lake: Lake) -> None:
    path = catalogue.path_of(lake)
    script = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); c.execute('create table top as select 7 as n')"
    writer = subprocess.Popen(
        [sys.executable, "-c", f"{script}; print('open', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert writer.stdin
    assert writer.stdout
    with writer:
        assert writer.stdout.readline()
        write(lake, DAYS[1], [album("b")])
        with pytest.raises(CatalogueBusy, match=rf"open for writing in another program .*PID {writer.pid}"):
            catalogue.renew(lake)
        writer.stdin.close()
        writer.wait()
    assert catalogue.renew(lake)
    assert ask(lake, "from top") == [(7,)]
    assert ask(lake, "select count(*) from shop.albums") == [(2,)]


def test_what_a_killed_program_left_in_its_log_survives(lake: Lake) -> None:
    path = catalogue.path_of(lake)
    script = f"import duckdb, os; c = duckdb.connect({str(path)!r}); c.execute('create table top as select 7 as n')"
    subprocess.run([sys.executable, "-c", f"{script}; os._exit(1)"], check=False)
    assert path.with_name("gtm.duckdb.wal").exists()
    write(lake, DAYS[1], [album("b")])
    assert catalogue.renew(lake)
    assert ask(lake, "from top") == [(7,)]
    assert not path.with_name("gtm.duckdb.wal").exists()


def test_nobody_writes_while_the_views_are_made(lake: Lake) -> None:
    path = catalogue.path_of(lake)
    write = [
        sys.executable,
        "-c",
        f"import duckdb; duckdb.connect({str(path)!r}).execute('create table top as select 7')",
    ]
    with keeping(path):
        refused = subprocess.run(write, check=False, capture_output=True, text=True)
        assert "Could not set lock" in refused.stderr
    subprocess.run(write, check=True)
    assert ask(lake, "from top") == [(7,)]


def test_what_is_no_database_is_set_aside(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    path = catalogue.path_of(lake)
    path.write_bytes(b"SQLite format 3\0" + b"\0" * 500)
    assert catalogue.renew(lake)
    assert path.with_name("gtm.duckdb.unreadable").read_bytes().startswith(b"SQLite")
    assert "is now" in caplog.text
