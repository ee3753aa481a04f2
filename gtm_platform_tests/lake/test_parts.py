"""A partition that many wrote: its parts count as one file to whatever reads, copies, rewrites or removes files."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gtm_platform.backups.making import Backup, make
from gtm_platform.backups.restoring import restore
from gtm_platform.health.backtest_history import History
from gtm_platform.lake import catalogue, parts
from gtm_platform.lake import lake as lake_module
from gtm_platform.lake.bucket import Bucket
from gtm_platform.lake.bucket_errors import BucketFailed
from gtm_platform.lake.contract_check import Written, check_files, same_rows
from gtm_platform.lake.contracts import Column, Contract, ContractBroken
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import EngineFailed, cursor
from gtm_platform.lake.encrypted_files import key_of, plain_name
from gtm_platform.lake.lake import DamagedFile, File, Lake, newest_file
from gtm_platform.lake.rotation import rotate, sweep, to_rotate, use_of
from gtm_platform.lake.touched import named_as_now
from gtm_platform.privacy.lake_rows import erase_rows, hits_of_table
from gtm_platform.privacy.needles import Needles
from gtm_platform.privacy.person import Person
from gtm_platform.settings import settings
from gtm_platform_tests.lake.keys import K1, require_packages, use_keys
from gtm_platform_tests.lake.tables import declared

TABLE, DAY, NEXT = "shop/buyers", "2026-11-16", "2026-11-17"
BUYERS = Contract(
    {
        "customer_id": Column("string", nullable=False),
        "email": Column("string", personal=True),
        "spent": Column("int64", rule=lambda spent: spent >= 0),
    },
    key=("customer_id",),
    figures={"most": lambda table: table.spent.max()},
)
JANE = "jane.roe@firm.example"
ROWS = [("a", JANE, 5), ("b", "bob@firm.example", 7), ("c", None, 9), ("d", "dora@firm.example", None), ("e", JANE, 1)]
SCHEMA = pa.schema({"customer_id": pa.string(), "email": pa.string(), "spent": pa.int64()})
Row = tuple[str | None, str | None, int | None]


@dataclass
class Many:
    """Several who write at once, each some of the rows; a late attempt of one leaves a file that nobody names."""

    rows: Sequence[Row]
    shares: int = 3
    meanwhile: Callable[[], None] = lambda: None
    written: list[Path] = field(default_factory=list)

    def write(self, folder: Path) -> Sequence[Path]:
        folder.mkdir()
        for share in range(self.shares):
            path = folder / f"part-{share:05}-of-many.parquet"
            columns = list(zip(*self.rows[share :: self.shares], strict=True)) or [(), (), ()]
            arrays = [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)]
            pq.write_table(pa.table(arrays, schema=SCHEMA), path)
            self.written.append(path)
        shutil.copy(self.written[0], folder / "part-00000-late.parquet")
        return self.written

    def check(self, subject: str, contract: Contract, paths: Sequence[Path]) -> Written:
        self.meanwhile()
        return check_files(subject, contract, paths)

    def has_same_rows(self, contract: Contract, paths: Sequence[Path], stored: Sequence[Path]) -> bool:
        tables = (pa.concat_tables(map(pq.read_table, each)).select(list(contract.columns)) for each in (paths, stored))
        first, second = (sorted(map(repr, table.to_pylist())) for table in tables)
        return first == second


@pytest.fixture
def lake() -> Iterator[Lake]:
    with declared(shop__buyers=BUYERS):
        yield Lake(settings().home / "lake")


def stored(lake: Lake, day: str = DAY) -> File:
    file = newest_file(lake, TABLE, day)
    assert file
    return file


def rows(lake: Lake, day: str = DAY) -> list[Row]:
    query = lake.query_day(TABLE, day)
    with cursor() as connection, lake.naming_damage(lambda: query.files):
        return sorted(connection.execute(query.sql).fetchall(), key=repr)


def in_folder(lake: Lake) -> list[str]:
    return sorted(path.name for path in (lake.root / TABLE).iterdir())


# --- writing and reading ---------------------------------------------------------------------------------------------


def test_parts_are_read_as_one_file_and_only_those_that_are_named(lake: Lake) -> None:
    written = lake.write_parts(TABLE, DAY, Many(ROWS))
    assert (written.rows, written.figures, written.is_new) == (5, {"most": 9}, True)
    assert rows(lake) == sorted(ROWS, key=repr)
    assert [file.partition for file in lake.versions(TABLE)] == lake.partitions(TABLE) == [DAY]
    file = stored(lake)
    assert (file.kind, file.full, file.is_open, len(file.paths)) == ("part", False, False, 3)
    marker = json.loads(file.path.read_text())
    assert marker["rows"] == 5
    sizes = {part["name"]: part["bytes"] for part in marker["parts"]}
    assert sizes == {path.name: path.stat().st_size for path in file.paths}
    assert lake.store.size(file.path) == sum(sizes.values())


def test_a_marker_comes_last_and_what_breaks_the_contract_leaves_nothing(lake: Lake) -> None:
    listed: list[list[File]] = []
    lake.write_parts(TABLE, DAY, Many(ROWS, meanwhile=lambda: listed.append(lake.versions(TABLE))))
    assert listed == [[]], "while it is checked nobody sees it"
    before = in_folder(lake)
    for broken, words in (([*ROWS, ROWS[0]], "1: duplicate keys"), ([("a", None, -1)] * 3, "3: spent breaks its rule")):
        with pytest.raises(ContractBroken, match=words):
            lake.write_parts(TABLE, DAY, Many(broken))
    with pytest.raises(ContractBroken, match="1: customer_id is null"):
        lake.write_parts(TABLE, DAY, Many([(None, JANE, 1), *ROWS]))
    assert in_folder(lake) == before
    assert rows(lake) == sorted(ROWS, key=repr)


def test_the_newest_counts_in_whatever_form(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    lake.write(TABLE, DAY, lake.read_day(TABLE, DAY).limit(1))
    assert not parts.is_marker(stored(lake).path)
    lake.write_parts(TABLE, DAY, Many(ROWS[:3]))
    assert [parts.is_marker(file.path) for file in lake.versions(TABLE)] == [True, False, True]
    assert rows(lake) == sorted(ROWS[:3], key=repr)


def test_the_same_rows_leave_what_is_stored(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    first = stored(lake)
    assert not lake.write_parts(TABLE, DAY, Many(ROWS, shares=2), unless_same=True).is_new
    assert not lake.write(TABLE, DAY, lake.read_day(TABLE, DAY), unless_same=True).is_new
    assert (stored(lake), in_folder(lake)) == (first, sorted([first.path.name, parts.folder_of(first.path).name]))
    assert lake.write_parts(TABLE, DAY, Many(ROWS[1:]), unless_same=True).is_new
    assert lake.write(TABLE, DAY, lake.read_day(TABLE, DAY).limit(2), unless_same=True).is_new


def test_who_fails_while_writing_leaves_what_counted_before(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS[:2]))
    before, many = in_folder(lake), Many(ROWS)

    def dies(folder: Path) -> Sequence[Path]:
        Many(ROWS).write(folder)
        raise EngineFailed("an executor was lost")

    many.write = dies  # type: ignore[method-assign]
    with pytest.raises(EngineFailed, match="an executor was lost"):
        lake.write_parts(TABLE, DAY, many)
    assert in_folder(lake) == before
    assert rows(lake) == sorted(ROWS[:2], key=repr)


@examples(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spent=st.lists(st.none() | st.integers(0, 9), max_size=12),
    shares=st.integers(1, 5),
)
def test_whoever_asks_gets_of_parts_what_one_file_answers(lake: Lake, spent: list[int | None], shares: int) -> None:
    """In both forms a day has the same rows, measures and rows that name a person."""
    some: list[Row] = [(f"c{n}", JANE if n % 3 else None, each) for n, each in enumerate(spent)]
    columns = list(zip(*some, strict=True)) or [(), (), ()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)]
    as_one = lake.write(TABLE, DAY, pa.table(arrays, schema=SCHEMA))
    in_parts = lake.write_parts(TABLE, NEXT, Many(some, shares))
    most = max((each for each in spent if each is not None), default=None)
    assert (as_one.rows, as_one.figures) == (in_parts.rows, in_parts.figures) == (len(some), {"most": most})
    assert rows(lake, DAY) == rows(lake, NEXT) == sorted(some, key=repr)
    one, several = stored(lake, DAY), stored(lake, NEXT)
    assert (len(one.paths), len(several.paths)) == (1, shares)
    assert same_rows(one.paths, several.paths)
    needles = Needles(Person(addresses=(JANE,)))
    named = {hits.file: len(hits.verdicts) for hits in hits_of_table(lake, TABLE, needles)}
    assert named.get(one, 0) == named.get(several, 0) == sum(email == JANE for _, email, _ in some)


def test_superseded_parts_and_drafts_go_after_the_grace(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    lake.write_parts(TABLE, DAY, Many(ROWS))
    dead, live = (lake.root / TABLE / f"{DAY}.{stamp:020}abcd.part" for stamp in (1, 2))
    for draft in (dead, live):
        draft.mkdir()
        (draft / "part-0.parquet").write_bytes(b"")
    os.utime(dead, (0, 0))
    lake.write_parts(TABLE, NEXT, Many(ROWS))
    assert [dead.exists(), live.exists(), len(lake.versions(TABLE))] == [False, True, 3]
    assert lake.store.hidden() == [live]
    later = time.time() + lake_module.GRACE + 1
    monkeypatch.setattr(lake_module.time, "time", lambda: later)
    monkeypatch.setattr(lake_module.time, "time_ns", lambda: int(later * 1e9))
    lake.write(TABLE, DAY, lake.read_day(TABLE, DAY))
    counting = [file for file in lake.versions(TABLE) if file.partition == DAY]
    assert [parts.is_marker(file.path) for file in counting] == [True, False]
    assert len(list((lake.root / TABLE).glob(f"{DAY}.*.part"))) == 1, "the parts go with their marker"


def test_parts_that_somebody_removed_before_they_counted_are_none(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS[:2]))
    many = Many(ROWS)
    check = many.check

    def erased_after(subject: str, contract: Contract, paths: Sequence[Path]) -> Written:
        written = check(subject, contract, paths)
        shutil.rmtree(paths[0].parent)
        return written

    many.check = erased_after  # type: ignore[method-assign]
    with pytest.raises(FileNotFoundError):
        lake.write_parts(TABLE, DAY, many)
    assert rows(lake) == sorted(ROWS[:2], key=repr)


# --- damage ----------------------------------------------------------------------------------------------------------


def test_what_is_damaged_is_named_with_the_command_that_makes_it_again(lake: Lake) -> None:
    again = f"gtm run {TABLE} --partition {DAY}"
    lake.write_parts(TABLE, DAY, Many(ROWS))
    lake.verify(TABLE, DAY)
    file = stored(lake)
    file.paths[1].write_bytes(b"PAR1 this was a part once")
    with pytest.raises(DamagedFile, match=again) as told:
        lake.verify(TABLE, DAY)
    assert str(file.paths[1]) in str(told.value)
    file.paths[1].unlink()
    with pytest.raises(DamagedFile, match=again):
        rows(lake)
    lake.write_parts(TABLE, DAY, Many(ROWS))
    stored(lake).path.write_text('{"rows": 5, "parts": [')
    with pytest.raises(DamagedFile, match=again):
        rows(lake)
    assert lake.write_parts(TABLE, DAY, Many(ROWS), unless_same=True).is_new, "what cannot be read is not the same"
    assert rows(lake) == sorted(ROWS, key=repr)


def test_what_was_set_aside_is_shown_by_no_listing(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    lake.store.set_aside(stored(lake).path)
    assert lake.versions(TABLE) == []
    assert all(path.name.startswith(".") and path.name.endswith(".damaged") for path in lake.store.hidden())
    assert len(lake.store.hidden()) == 2, "the marker and the folder"


# --- those who ask for files -----------------------------------------------------------------------------------------


def test_a_backup_has_what_counts_and_answers_when_it_is_restored(lake: Lake, tmp_path: Path) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    draft = lake.root / TABLE / f"{NEXT}.{1:020}abcd.part"
    draft.mkdir()
    (draft / "part-0.parquet").write_bytes(b"half")
    for name in ("backup", "backup.tar"):
        made = make(Backup(settings().home, datetime(2026, 11, 18, tzinfo=UTC), has_state=False), tmp_path / name)
        assert not any(NEXT in name for name in made.manifest.files), "what does not count yet is not copied"
        restore(tmp_path / name, tmp_path / f"of-{name}")
        assert rows(Lake(tmp_path / f"of-{name}" / "lake")) == sorted(ROWS, key=repr)


def test_the_catalogue_shows_the_rows_and_is_made_again_with_the_file(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    assert catalogue.renew(lake)
    with catalogue.reading(catalogue.path_of(lake)) as connection:
        assert connection.execute("select count(*), sum(spent) from latest.buyers").fetchall() == [(5, 22)]
    assert not catalogue.is_stale(lake)
    lake.write_parts(TABLE, DAY, Many(ROWS[:1], shares=1))
    assert catalogue.is_stale(lake)


def test_nobody_is_left_in_a_part_once_erased(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    lake.write_parts(TABLE, DAY, Many(ROWS, shares=2))  # the one before is superseded, and lies there
    needles = Needles(Person(addresses=(JANE,)))
    assert [sorted(hit.verdicts) for hit in hits_of_table(lake, TABLE, needles)] == [[0, 3], [0, 2]]
    erase_rows(lake, needles, lambda _: None)
    left = [row for row in rows(lake) if row[0] in "bcd"]
    assert left == sorted(ROWS[1:4], key=repr)
    assert not any(JANE in repr(row) for row in rows(lake))
    assert not [path for path in lake.root.rglob("*") if path.is_file() and JANE.encode() in path.read_bytes()]
    assert [parts.is_marker(file.path) for file in lake.versions(TABLE)] == [False]


def test_a_rotation_makes_one_encrypted_file_of_the_same_stamp(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    require_packages()
    lake.write_parts(TABLE, DAY, Many(ROWS))
    before, asked = stored(lake), lake.query_day(TABLE, DAY)
    use_keys(monkeypatch, K1)
    assert len(to_rotate(lake, "k1")) == len(list(rotate(lake))) == 1
    after = stored(lake)
    assert (after.version, key_of(after.path)) == (before.version, "k1")
    assert plain_name(after.path) == plain_name(before.path) == plain_name(before.paths[0])
    assert lake.query_day(TABLE, DAY).rows_of == asked.rows_of, "nothing is computed again because of it"
    assert rows(lake) == sorted(ROWS, key=repr)
    assert sweep(lake, at_once=True) == 0
    assert [path.name for path in (lake.root / TABLE).iterdir()] == [after.path.name]
    assert set(use_of([lake]).files) == {"k1"}
    assert named_as_now(lake, asked, lake.query_day(TABLE, DAY)).files == (str(after.path),)


def test_a_query_of_before_is_asked_of_all_the_parts_that_it_had(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    before = lake.query_day(TABLE, DAY)
    lake.write_parts(TABLE, NEXT, Many(ROWS))
    now = lake.file_query(TABLE, lake.files(TABLE)[1:])
    assert named_as_now(lake, before, now) == before


def test_the_past_knows_the_day_of_each_part(lake: Lake) -> None:
    for day in (DAY, NEXT):
        lake.write_parts(TABLE, day, Many(ROWS))
    with cursor() as connection:
        past = object.__new__(History)
        past._lake = lake
        query = past._day_rows(TABLE, ("customer_id",), [DAY, NEXT])
        counts = connection.execute(f"select day, count(*) from ({query}) group by 1 order by 1").fetchall()
    assert counts == [(date.fromisoformat(DAY), 5), (date.fromisoformat(NEXT), 5)]


def test_a_day_is_kept_while_what_it_is_made_of_is_the_same(lake: Lake) -> None:
    """Its note speaks of the parts that it read, and of its own."""
    totals = Contract({"one": Column("int8", nullable=False), "spent": Column("int64")}, key=("one",))

    def total(buyers):  # type: ignore[no-untyped-def]
        return buyers.agg(spent=buyers["spent"].sum()).mutate(one=1)

    total.__module__ = "gtm_platform.shop"
    with declared(shop__buyers=BUYERS, shop__totals=totals):
        table = DailyTable("shop/totals", totals, {"buyers": TABLE}, total)
        lake.write_parts(TABLE, DAY, Many(ROWS))
        assert [table.write_day(lake, DAY, anew=False).is_new for _ in range(2)] == [True, False]  # type: ignore[union-attr]
        lake.write_parts(TABLE, DAY, Many(ROWS[:4], shares=2))
        assert table.write_day(lake, DAY, anew=False).is_new  # type: ignore[union-attr]
        assert lake.read_day("shop/totals", DAY).spent.execute().tolist() == [21]


def test_a_bucket_says_that_it_holds_whole_files_only(lake: Lake) -> None:
    lake.write_parts(TABLE, DAY, Many(ROWS))
    bucket = Bucket("s3://bucket", lake.root, 1)
    with pytest.raises(BucketFailed, match=f"gtm run {TABLE} --partition {DAY}"):
        bucket.fetch([stored(lake).path])
    with pytest.raises(BucketFailed, match="whole files"):
        bucket.publish_parts(stored(lake).paths, 5)


OUTSIDE = '{"rows": 1, "parts": [{"name": "../a.parquet", "bytes": 1}]}'


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": 1, "parts": []}', OUTSIDE])
def test_a_marker_that_is_none_is_damaged(text: str) -> None:
    with pytest.raises(parts.DamagedMarker):
        parts.Parts.parse(text)
