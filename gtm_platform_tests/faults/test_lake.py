"""The lake under many processes at once, and under processes that are killed while they write."""

import os
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from gtm_platform.lake import catalogue
from gtm_platform.lake import lake as lake_module
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform_tests.faults import storm
from gtm_platform_tests.faults.processes import started
from gtm_platform_tests.faults.storm import BEGAN, DAYS, TABLES, WRITTEN

WRITERS, READERS = 8, 4
TIMES = 2  # versions that each writer writes
WAVES = TABLES[0]
STRUCK = ("half a file", "half a catalogue", "old", "new")  # what kills leave, each of which is to be seen
LONG_AGO = 1_000_000_000  # seconds
MOST_KILLS = 1_000  # by which each way to be struck has been seen


@pytest.fixture
def lake() -> Lake:
    return storm.declared_here()


def hidden(home: Path) -> list[Path]:
    """Drafts of the lake and of the catalogue."""
    return [path for path in home.rglob(".*") if path.is_file()]


@pytest.mark.faults("W5", "W6", "W7")
def test_eight_writers_and_eight_readers_neither_fail_nor_see_anything_torn(lake: Lake) -> None:
    """Meanwhile what nobody can be reading any more is swept from under them."""
    for table in TABLES:
        for day in DAYS:
            storm.write(lake, table, day, "first", 10)
            [file] = lake.files(table)[-1:]
            for nanoseconds in (LONG_AGO * 10**9, LONG_AGO * 10**9 + 1):
                old = f"{day}.{nanoseconds:020d}aaaa.part.parquet"
                (file.path.parent / old).write_bytes(b"nobody reads this")
    catalogue.renew(lake)
    home = settings().home
    with ExitStack() as stack:
        writers = [stack.enter_context(started(home, storm.writes, f"w{n}", TIMES)) for n in range(WRITERS)]
        readers = [stack.enter_context(started(home, storm.reads)) for _ in range(READERS)]
        readers += [stack.enter_context(started(home, storm.asks)) for _ in range(READERS)]
        written = sum(pipe.recv() for _, pipe in writers)
        for _, pipe in readers:
            pipe.send("that was all")
        looked = [pipe.recv() for _, pipe in readers]
        ended = [process for process, _ in writers + readers if process.join(30) is None]
        assert [process.exitcode for process in ended] == [0] * (WRITERS + 2 * READERS)
    assert written == WRITERS * TIMES
    assert min(looked) > 1
    assert hidden(lake.root.parent) == []
    assert len([file for table in TABLES for file in lake.versions(table)]) == written + len(TABLES) * len(DAYS) * 2
    catalogue.renew(lake)
    for table in TABLES:
        seen = storm.in_lake(lake.query_as_of(table, "9999").sql)
        assert sorted(seen) == DAYS
        assert storm.in_catalogue(lake, table.replace("/", ".")) == seen


@pytest.mark.faults("W13")
def test_what_is_written_last_counts_also_where_the_clock_was_put_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    storm.write(lake, WAVES, DAYS[0], "first", 10)
    monkeypatch.setattr(lake_module.time, "time_ns", lambda: LONG_AGO * 10**9)
    for version in ("second", "third"):
        storm.write(lake, WAVES, DAYS[0], version, 10)
        assert storm.in_lake(lake.query_as_of(WAVES, "9999").sql) == {DAYS[0]: version}


def told_until_killed(home: Path, name: int, random: Random) -> list[tuple[str, str]]:
    """What a process said that was killed at some moment of its second write, or of the renewal after it: within about
    the time that the first one took."""
    told, since = list[tuple[str, str]](), list[float]()
    stage = random.choice([BEGAN, WRITTEN])
    with started(home, storm.writes_until_killed, name) as (process, pipe):
        while Counter(what for what, _ in told)[stage] < 2:
            told.append(pipe.recv())
            since.append(monotonic())
        first = [what for what, _ in told].index(stage)
        process.join(random.uniform(0, since[first + 1] - since[first]))
        process.kill()
        with suppress(EOFError):
            while True:
                told.append(pipe.recv())
    return told


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.faults("W1", "W2")
def test_a_process_killed_while_it_writes_leaves_the_old_or_the_new(lake: Lake, kills: int) -> None:
    random, home, found = Random(7), settings().home, Counter[str]()
    storm.write(lake, WAVES, DAYS[0], "first", 10)
    catalogue.renew(lake)
    in_lake = in_catalogue = "first"
    while found["kills"] < kills or not all(found[what] for what in STRUCK):
        drafts = hidden(lake.root)
        told = told_until_killed(home, found["kills"], random)
        before = [in_lake, *[version for what, version in told if what == WRITTEN]][-1]
        begun = [version for what, version in told if what == BEGAN][-1]
        known = {in_catalogue, in_lake, *[version for _, version in told]}
        in_lake = storm.in_lake(lake.query_as_of(WAVES, "9999").sql)[DAYS[0]]
        in_catalogue = storm.in_catalogue(lake, "storm.waves")[DAYS[0]]
        assert in_lake in (before, begun)
        assert in_catalogue in known
        found["half a file"] += len(hidden(lake.root)) > len(drafts)
        found["half a catalogue"] += any(path.parent == home for path in hidden(home))
        found["old"] += in_lake == before != begun
        found["new"] += in_lake == begun
        found["kills"] += 1
        assert found["kills"] < MOST_KILLS, found
    for draft in hidden(lake.root):
        os.utime(draft, (LONG_AGO, LONG_AGO))
    storm.write(lake, WAVES, DAYS[0], "last", 10)
    catalogue.renew(lake)
    assert hidden(home) == []
    assert storm.in_catalogue(lake, "storm.waves") == {DAYS[0]: "last"}
