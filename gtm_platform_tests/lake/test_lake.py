import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gtm_platform.lake import lake as lake_module
from gtm_platform.lake.contracts import ContractBroken, UnknownTable, contract_of
from gtm_platform.lake.duckdb_engine import engine, value
from gtm_platform.lake.lake import DamagedFile, File, Lake
from gtm_platform_tests.lake.stores import STORES, lake_in, overwrite
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, ids, write


@pytest.fixture(params=STORES)
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    with declared(shop__albums=ALBUMS, shop__sales=SALES), lake_in(request.param, tmp_path, monkeypatch) as lake:
        yield lake


def rows_of(sql: str, **columns: str) -> ibis.Table:
    return engine().sql(sql, schema=ibis.schema(columns), dialect="duckdb")


def test_as_of_is_the_newest_version_since_the_last_full_snapshot(lake: Lake) -> None:
    write(lake, "2026-11-15", [album("z")])  # before the first full one: not there
    write(lake, "2026-11-16", [album("a"), album("b"), album("c")], full=True)
    write(lake, "2026-11-18", [album("c", deleted=True)])
    write(lake, "2026-11-19", [album("a"), album("d")], full=True)
    write(lake, "2026-11-20", [album("e")])
    write(lake, "2026-11-20", [album("e"), album("f")])  # the window again: in the place of the first
    seen = {day: ids(lake.read_day("shop/albums", f"2026-11-{day}")) for day in (14, 16, 17, 18, 19, 20)}
    assert seen == {14: "", 16: "abc", 17: "abc", 18: "ab", 19: "ad", 20: "adef"}


def test_of_two_versions_the_later_window_counts_then_the_later_reading(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a", "old", read=9)], full=True)
    write(lake, "2026-11-17", [album("a", "new", read=1)])
    assert lake.read_day("shop/albums", "2026-11-17").title.execute().tolist() == ["new"]
    assert lake.read_day("shop/albums", "2026-11-16").title.execute().tolist() == ["old"]


def test_a_file_is_never_replaced_under_its_own_name(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")])
    [before] = lake.files("shop/albums")
    held = before.path.read_bytes()
    write(lake, "2026-11-16", [album("b")])
    assert before.path.read_bytes() == held  # a reader that has the old list still reads the old rows
    assert [file.path for file in lake.files("shop/albums")] != [before.path]
    assert ids(lake.partition("shop/albums", "2026-11-16")) == "b"


def test_superseded_files_go_after_the_grace(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, "2026-11-16", [album("a")])
    write(lake, "2026-11-16", [album("b")])
    assert len(lake.versions("shop/albums")) == 2
    later = time.time() + lake_module.GRACE + 1
    monkeypatch.setattr(lake_module.time, "time", lambda: later)
    monkeypatch.setattr(lake_module.time, "time_ns", lambda: int(later * 1e9))
    write(lake, "2026-11-16", [album("c")])
    # the first is long superseded; the second was superseded only now
    assert [len(lake.versions("shop/albums")), ids(lake.partition("shop/albums", "2026-11-16"))] == [2, "c"]


@pytest.mark.faults("W2")
def test_drafts_of_runs_that_died_are_swept_and_those_of_live_ones_are_not(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")])
    dead, live = (lake.root / "shop/albums" / f".{name}.parquet" for name in ("dead", "live"))
    for draft in (dead, live):
        draft.write_bytes(b"")
    os.utime(dead, (0, 0))
    write(lake, "2026-11-17", [])
    assert [dead.exists(), live.exists()] == [False, True]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ([album("a"), album("a")], "1: duplicate keys"),
        ([album("a", price=Decimal(-1))], "1: price breaks its rule"),
    ],
)
def test_what_breaks_the_contract_is_told_and_not_written(lake: Lake, bad: list, sentence: str) -> None:
    write(lake, "2026-11-16", [album("kept")])
    with pytest.raises(ContractBroken, match=sentence):
        write(lake, "2026-11-16", bad)
    assert ids(lake.partition("shop/albums", "2026-11-16")) == "kept"
    assert [path.name for path in (lake.root / "shop/albums").iterdir() if path.name.startswith(".")] == []


def test_a_null_key_is_told(lake: Lake) -> None:
    table = rows_of("from (values ('a', 1::bigint), (null, 2)) t(id, sold)", id="string", sold="int64")
    with pytest.raises(ContractBroken, match="1: id is null"):
        lake.write("shop/sales", "2026-11-16", table)


def test_columns_and_types_are_checked_before_anything_is_computed(lake: Lake) -> None:
    gold = rows_of("select 'a' as id, 1::bigint as gold", id="string", gold="int64")
    with pytest.raises(ContractBroken, match=r"missing: \['sold'\]; not in the contract: \['gold'\]"):
        lake.write("shop/sales", "2026-11-16", gold)
    with pytest.raises(ContractBroken, match="sold is string"):
        lake.write("shop/sales", "2026-11-16", rows_of("select 'a' as id, 'b' as sold", id="string", sold="string"))


def test_no_rows_break_nothing_and_figures_are_told(lake: Lake) -> None:
    assert write(lake, "2026-11-16", []).figures == {"dearest": None}
    assert write(lake, "2026-11-17", [album("a", price=Decimal("9.50"))]).figures == {"dearest": Decimal("9.50")}


def test_columns_are_written_in_the_types_of_the_contract(lake: Lake) -> None:
    ones = rows_of("select 'a' as id, 1::bigint as sold from range(3)", id="string", sold="int64")
    lake.write("shop/sales", "2026-11-16", ones.group_by("id").agg(sold=ones["sold"].sum()))
    [file] = lake.files("shop/sales")
    assert pq.read_schema(file.path).types == [pa.string(), pa.int64()]


def test_columns_that_an_old_file_lacks_are_null(lake: Lake) -> None:
    folder = lake.root / "shop/sales"
    folder.mkdir(parents=True)
    file = folder / "2026-11-16.000000000000000000001aaaa.full.parquet"
    duckdb.sql(f"copy (select 'a' as id) to '{file}'")
    overwrite(file, file.read_bytes())
    [row] = lake.partition("shop/sales", "2026-11-16").to_pyarrow().to_pylist()
    assert row == {"id": "a", "sold": None}


def test_a_source_that_fails_half_way_leaves_what_was_there(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("kept")])
    schema = contract_of("shop/albums").schema.to_pyarrow()

    def pages() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist([], schema=schema)
        raise ConnectionResetError("page 2")

    with pytest.raises(duckdb.Error, match="page 2"):
        lake.write("shop/albums", "2026-11-16", pa.RecordBatchReader.from_batches(schema, pages()))
    assert ids(lake.partition("shop/albums", "2026-11-16")) == "kept"
    assert [path.name for path in (lake.root / "shop/albums").iterdir() if path.name.startswith(".")] == []


@pytest.mark.faults("W9")
def test_a_damaged_file_is_named_with_the_command_that_makes_it_again(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")], full=True)
    [file] = lake.files("shop/albums")
    overwrite(file.path, file.path.read_bytes()[:-40])
    with pytest.raises(DamagedFile, match="gtm run shop/albums --partition 2026-11-16") as told:
        lake.read_day("shop/albums", "2026-11-16")
    assert str(file.path) in str(told.value)


def test_a_file_that_is_damaged_within_is_named_when_it_is_read(lake: Lake) -> None:
    write(lake, "2026-11-16", [album(f"{n}", title=f"{n * 7919}") for n in range(5000)], full=True)
    [file] = lake.files("shop/albums")
    bytes_ = bytearray(file.path.read_bytes())
    bytes_[4:2000] = b"\xff" * 1996
    overwrite(file.path, bytes(bytes_))
    albums = lake.read_day("shop/albums", "2026-11-16").select("id", sold=ibis.literal(1).cast("int64"))
    with pytest.raises(DamagedFile, match="gtm run shop/albums --partition 2026-11-16"):
        lake.write("shop/sales", "2026-11-16", albums)


def test_threads_that_read_the_same_for_the_first_time_do_not_disturb_each_other(lake: Lake) -> None:
    for number in range(20):
        write(lake, f"2026-11-{number + 1:02}", [album("a")], full=True)
    for day in lake.partitions("shop/albums"):
        with ThreadPoolExecutor(8) as threads:
            read = threads.map(lambda day: value(lake.partition("shop/albums", day).count()), [day] * 8)
            assert list(read) == [1] * 8


def test_when_each_source_table_was_last_filled(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")])
    write(lake, "2026-11-18", [])
    told = {
        day: lake.rows(lake.query_synced(day)).to_pyarrow().to_pylist()
        for day in ("2026-11-15", "2026-11-17", "2026-11-18")
    }
    assert told["2026-11-15"] == []
    until = datetime(2026, 11, 17, tzinfo=UTC)
    assert told["2026-11-17"] == [{"table": "shop/albums", "source": "shop", "synced_at": until}]
    assert told["2026-11-18"][0]["synced_at"] == datetime(2026, 11, 19, tzinfo=UTC)


def test_names_sort_as_time_does_for_every_cadence() -> None:
    keys = ["2026-11-19", "2026-11-19T0000", "2026-11-19T1800", "2026-11-20", "2026-11-20T0400", "2026-11-20T2000"]
    assert sorted(keys) == keys
    assert [key for key in keys if key < "2026-11-20"] == keys[:3]


def test_an_undeclared_table_is_a_sentence(lake: Lake) -> None:
    with pytest.raises(UnknownTable, match="'shop/albmus'"):
        lake.read_day("shop/albmus", "2026-11-16")


def test_a_file_name_says_all_about_it(tmp_path: Path) -> None:
    file = File.of(tmp_path / "2026-11-20T2000.0179522391693058469911a6.part.parquet")
    assert (file.partition, file.full) == ("2026-11-20T2000", False)
