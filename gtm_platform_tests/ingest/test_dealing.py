"""A range of windows that is written in one pass is what its windows would be one by one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from gtm_platform.ingest import stream_sync
from gtm_platform.ingest.stream_sync import StreamSync, WindowResult
from gtm_platform.lake import dealing
from gtm_platform.lake.contracts import ContractBroken
from gtm_platform.lake.dealing import Share, deal
from gtm_platform.lake.duckdb_engine import as_table
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.delivery.world import served
from gtm_platform_tests.ingest.register import SOURCE, Register
from gtm_platform_tests.ingest.syncing import RULES, Clock, Syncing

START, DAYS = datetime(2026, 3, 1, tzinfo=UTC), 70
TABLE = "register/members"
OWN = {"_extracted_at", "_run_id"}  # of each sync


@pytest.fixture
def register() -> Register:
    """Some members from before, and some that change in some of the days, also in the instant of a midnight."""
    register, random = Register(Clock(START)), Random(7)
    register.add(25, START - timedelta(days=40))
    for day in random.sample(range(1, DAYS), 30):
        register.add(random.randrange(1, 4), START + timedelta(days=day, hours=random.choice([0, 5, 23])))
    return register


@pytest.fixture
def client(register: Register) -> Iterator[httpx.Client]:
    with served(register) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def backfill(lake: Lake, register: Register, client: httpx.Client, stream: str) -> list[WindowResult]:
    """Sync the first day, and then all others in one range."""
    syncing = Syncing(lake, SOURCE, register.clock)
    slots = [syncing.slot(START + timedelta(days=day)) for day in range(DAYS)]
    chosen = next(each for each in SOURCE.streams if each.name == stream)
    results = []
    for windows in (slots[:1], slots[1:]):
        register.clock.now = windows[-1].end + timedelta(minutes=20)
        sync = StreamSync(lake, SOURCE, chosen, RULES, register.clock.now, "run")
        results = sync.sync(client, windows)
    return results


def rows_of(lake: Lake, table: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of each partition, but for what each sync has its own of."""
    return {
        file.partition: sorted(
            (
                {name: value for name, value in row.items() if name not in OWN}
                for row in lake.read(table, [file]).to_pyarrow().to_pylist()
            ),
            key=str,
        )
        for file in lake.files(table)
    }


@pytest.mark.parametrize("stream", ["members", "log"])
def test_a_range_is_what_its_windows_are_one_by_one(
    stream: str, register: Register, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, apart = Lake(tmp_path / "together"), Lake(tmp_path / "apart")
    results = backfill(together, register, client, stream)
    monkeypatch.setattr(stream_sync, "FEW", 10**6)
    assert results == backfill(apart, register, client, stream)
    table = f"register/{stream}"
    written = rows_of(together, table)
    assert written == rows_of(apart, table)
    assert len(written) == DAYS
    assert sum(not rows for rows in written.values()) > 5, "no window is empty"
    assert [path.name for path in (together.root / table).glob(".*")] == []


def test_what_has_a_file_is_merged_with_it(register: Register, client: httpx.Client, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    backfill(lake, register, client, "members")
    before = rows_of(lake, TABLE)
    files = {file.partition for file in lake.files(TABLE)}
    backfill(lake, register, client, "members")
    assert rows_of(lake, TABLE) == before
    assert {file.partition for file in lake.files(TABLE)} == files


def test_a_file_that_the_engine_wrote_in_parts_is_one(
    register: Register, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    join = dealing._file_of

    def with_one_more_part(drafts: Path, partition: str, empty: Path) -> Path:
        if (folder := drafts / f"share={partition}").exists():
            (folder / "data_9.parquet").write_bytes(empty.read_bytes())
        return join(drafts, partition, empty)

    monkeypatch.setattr(dealing, "_file_of", with_one_more_part)
    results = backfill(Lake(tmp_path / "lake"), register, client, "members")
    first, last = START + timedelta(days=1), START + timedelta(days=DAYS - 1)  # the newest window is taken whole
    in_range = [changed for changed in register.members.values() if first <= changed < last]
    assert sum(result.rows for result in results[:-1]) == len(in_range) > 30


def test_nothing_is_written_that_breaks_the_contract(register: Register, client: httpx.Client, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    backfill(lake, register, client, "members")
    before = [file.path for file in lake.files(TABLE)]
    file = next(file for file in lake.files(TABLE) if lake.read(TABLE, [file]).count().execute())
    twice = lake.file_query(TABLE, [file], "select * from {rows} union all select * from {rows}")
    rows = as_table(twice)
    far = START + timedelta(days=1_000)
    with pytest.raises(ContractBroken, match="duplicate keys"):
        deal(lake, TABLE, rows, "changed_at", [Share("2029-01-01", START - timedelta(days=100), far)])
    assert [file.path for file in lake.files(TABLE)] == before
    assert list((lake.root / TABLE).glob(".*")) == []
