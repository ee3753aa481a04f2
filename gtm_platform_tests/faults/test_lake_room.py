"""What runs out, and calls of the system that fail: the old stays, nothing is left lying, the next write works."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gtm_platform.lake import catalogue
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.storage_errors import DiskFull, OutOfMemory
from gtm_platform.settings import settings
from gtm_platform.state import StateError, open_state
from gtm_platform.state.schema import audit
from gtm_platform_tests.faults import storm
from gtm_platform_tests.faults.nth_call import Nth, until_none_fails
from gtm_platform_tests.faults.processes import started
from gtm_platform_tests.faults.storm import DAYS, TABLES
from gtm_platform_tests.faults.test_lake import hidden

WAVES, DAY = TABLES[0], DAYS[0]
SMALL = 4096  # bytes that a file may have


@pytest.fixture
def lake() -> Lake:
    return storm.begun("old", 10)


def is_whole(lake: Lake, version: str) -> bool:
    return storm.in_lake(lake.query_as_of(WAVES, "9999").sql) == {DAY: version}


@contextmanager
def failing(nth: Nth, code: int) -> Iterator[None]:
    """Every call by which a write touches the disk counts; of the n-th the system says that it failed."""

    def struck(what: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if nth.strikes():
                raise OSError(code, os.strerror(code), what)
            return real(*arguments, **more)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((os, "fsync"), (os, "replace"), (Path, "rename"), (Path, "unlink"), (Path, "mkdir")):
            patch.setattr(owner, name, struck(name, getattr(owner, name)))
        patch.setattr(Lake, "copy", struck("copy", Lake.copy))
        yield


@pytest.mark.faults("W2", "W3")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("persistent", [False, True])
def test_whatever_call_fails_the_partition_is_the_old_or_the_new(lake: Lake, persistent: bool, code: int) -> None:
    before, failed = "old", 0
    for nth in until_none_fails(persistent):
        version, left = f"write {nth.n}", hidden(lake.root.parent)
        try:
            with failing(nth, code):
                storm.write(lake, WAVES, DAY, version, 20)
                catalogue.renew(lake)
        except (OSError, DiskFull):
            failed += 1
        # A write that was said to have failed may stand: it is whole then, and writing it again changes nothing.
        now = version if is_whole(lake, version) else before
        assert is_whole(lake, now)
        assert storm.in_catalogue(lake, "storm.waves")[DAY] in (before, now)
        assert persistent or hidden(lake.root.parent) == left == []
        storm.write(lake, WAVES, DAY, f"after {nth.n}", 30)
        catalogue.renew(lake)
        before = f"after {nth.n}"
        assert is_whole(lake, before)
        assert storm.in_catalogue(lake, "storm.waves") == {DAY: before}
        for draft in hidden(lake.root):
            os.utime(draft, (0, 0))
        storm.write(lake, WAVES, DAY, before, 30)
        assert hidden(lake.root.parent) == []
    assert failed >= 4


def says(pipe: Connection, deed: Callable[[], object]) -> None:
    """Does it where no file may be larger than a few pages, and says how that ended."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))
    try:
        deed()
    except Exception as error:
        pipe.send((type(error), str(error)))
    else:
        pipe.send((None, "it went well"))


def writes_much(pipe: Connection) -> None:
    lake = storm.declared_here()
    says(pipe, lambda: storm.write(lake, WAVES, DAY, "new", 50_000))


def renews(pipe: Connection) -> None:
    lake = storm.declared_here()
    storm.write(lake, WAVES, DAYS[1], "new", 10)
    says(pipe, lambda: catalogue.renew(lake))


def notes_much(pipe: Connection) -> None:
    state = open_state(settings().state_url)
    says(pipe, lambda: note(state, "x" * 100_000))


def note(state: Any, subject: str) -> None:
    told = "insert into audit (at, actor, action, subject, detail) values ('', '', '', :subject, '')"
    with state.writing() as tx:
        tx.execute(sa.text(told), {"subject": subject})


def told_where_nothing_fits(deed: Callable[[Connection], None]) -> tuple[type[Exception] | None, str]:
    with started(settings().home, deed) as (_, pipe):
        told: tuple[type[Exception] | None, str] = pipe.recv()
    return told


@pytest.mark.faults("W3")
def test_a_full_disk_is_told_and_the_table_stays_as_it_was(lake: Lake) -> None:
    error, sentence = told_where_nothing_fits(writes_much)
    assert error is DiskFull
    assert sentence.startswith("The disk is full: ")
    assert f"Free space in {lake.root / WAVES}" in sentence
    assert is_whole(lake, "old")
    assert hidden(lake.root) == []


@pytest.mark.faults("W3")
def test_a_full_disk_is_told_and_the_catalogue_stays_as_it_was(lake: Lake) -> None:
    error, sentence = told_where_nothing_fits(renews)
    assert error is DiskFull
    assert f"Free space in {settings().home}" in sentence
    assert storm.in_catalogue(lake, "storm.waves") == {DAY: "old"}
    assert hidden(settings().home) == []
    assert catalogue.renew(lake)
    assert storm.in_catalogue(lake, "storm.waves") == {DAY: "old", DAYS[1]: "new"}


@pytest.mark.faults("W3")
def test_a_full_disk_is_told_and_the_state_stays_as_it_was() -> None:
    state = open_state(settings().state_url)
    note(state, "before")
    error, sentence = told_where_nothing_fits(notes_much)
    assert error is StateError
    assert "Free space on its disk" in sentence
    note(state, "after")
    with state.reading() as tx:
        assert tx.scalar(sa.text("pragma integrity_check")) == "ok"
        assert tx.scalars(sa.select(audit.c.subject)).all() == ["before", "after"]
    state.close()


@pytest.mark.faults("W3")
def test_sqlite_saying_that_the_disk_is_full_is_told() -> None:
    state = open_state(settings().state_url)
    with state.reading() as tx:
        pages = tx.scalar(sa.text("pragma page_count"))

    def as_full(connection: Any, *_: Any) -> None:
        connection.execute(f"pragma max_page_count = {pages}")

    sa.event.listen(state.engine, "checkout", as_full)
    with pytest.raises(StateError, match=r"database or disk is full\. Free space on its disk"):
        note(state, "x" * 100_000)
    sa.event.remove(state.engine, "checkout", as_full)
    state.close()


@pytest.fixture
def little_memory() -> Iterator[None]:
    con = engine().con
    (before,) = con.execute("select current_setting('memory_limit')").fetchone() or ("",)
    con.execute("set memory_limit = '20MB'; set max_temp_directory_size = '1MB'")
    yield
    con.execute(f"set memory_limit = '{before}'; reset max_temp_directory_size")


@pytest.mark.faults("W4")
@pytest.mark.usefixtures("little_memory")
def test_too_little_memory_is_told_and_the_engine_goes_on(lake: Lake) -> None:
    query = f"""select 'x' || range as id, '{DAY}' as day, 'new' as version, 1::bigint as rows, now() as _window,
        now() as _extracted_at, false as _deleted from range(3000000) order by hash(range)"""
    much = engine().sql(query, schema=storm.MARKED.schema, dialect="duckdb")
    with pytest.raises(OutOfMemory, match="Raise GTM_MEMORY_LIMIT"):
        lake.write(WAVES, DAY, much)
    assert hidden(lake.root) == []
    assert is_whole(lake, "old")
    storm.write(lake, WAVES, DAY, "next", 10)
    assert is_whole(lake, "next")
