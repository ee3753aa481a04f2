"""The state under kills and half-done changes of its schema: what was kept is whole, the rest is as if never begun."""

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gtm_platform.settings import settings
from gtm_platform.state import State, StateError, open_state
from gtm_platform.state.schema import VERSION, audit, metadata
from gtm_platform_tests.faults.nth_call import Nth, until_none_fails
from gtm_platform_tests.faults.processes import started

MOST_KILLS = 1_000  # by which one has struck within a transaction
LONGEST = 0.01  # seconds from the beginning of a transaction to a kill
CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")


def notes_in_pairs(pipe: Connection) -> None:
    """Keeps two rows at a time, and says so before and after."""
    state = open_state(settings().state_url)
    told = "insert into audit (at, actor, action, subject, detail) values ('', '', :nth, :number, '')"
    for number in count():
        pipe.send(("began", number))
        with state.writing() as tx:
            for nth in ("one", "two"):
                tx.execute(sa.text(told), {"nth": nth, "number": f"{os.getpid()} {number}"})
        pipe.send(("kept", number))


@pytest.mark.soak
@pytest.mark.parametrize("least", [8, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.faults("W1", "W2")
def test_a_process_killed_while_it_keeps_something_kept_all_of_it_or_nothing(least: int) -> None:
    random, kept, unsaid, kills = Random(3), 0, 0, 0
    state = open_state(settings().state_url)
    while kills < least or not unsaid:
        told = list[str]()
        with started(settings().home, notes_in_pairs) as (process, pipe):
            while told.count("began") < 2:
                told.append(pipe.recv()[0])
            process.join(random.uniform(0, LONGEST))
            process.kill()
            with suppress(EOFError):
                while True:
                    told.append(pipe.recv()[0])
        with state.reading() as tx:
            pairs = Counter(tx.scalars(sa.select(audit.c.subject)))
            assert tx.scalar(sa.text("pragma integrity_check")) == "ok"
        assert set(pairs.values()) == {2}
        acknowledged = kept + told.count("kept")
        assert acknowledged <= len(pairs) <= acknowledged + 1
        unsaid += told[-1] == "began"  # a kill that struck within a transaction
        kept, kills = len(pairs), kills + 1
        assert kills < MOST_KILLS
    state.close()
    assert kept >= least


@contextmanager
def before_each_change(do: Callable[[], None]) -> Iterator[None]:
    """Does something before every statement that changes the database."""

    def listen(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.strip().upper().startswith(CHANGES):
            do()

    sa.event.listen(sa.Engine, "before_cursor_execute", listen)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", listen)


def is_untouched(url: str) -> bool:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        return connection.execute("select count(*) from sqlite_master").fetchone() == (0,)


def is_complete(url: str) -> bool:
    state = open_state(url)
    with state.reading() as tx:
        whole = not compare_metadata(MigrationContext.configure(tx, opts={"compare_type": True}), metadata)
        version = tx.scalar(sa.text("select version_num from alembic_version"))
    state.close()
    return whole and version == VERSION


@pytest.mark.faults("W12")
@pytest.mark.parametrize("persistent", [False, True])
def test_a_change_of_the_schema_that_fails_half_way_is_made_when_opened_again(tmp_path: Path, persistent: bool) -> None:
    for nth in until_none_fails(persistent):

        def strike(nth: Nth = nth) -> None:
            if nth.strikes():
                raise sa.exc.OperationalError("change", {}, sqlite3.OperationalError("disk I/O error"))

        url = f"sqlite:///{tmp_path / f'state {nth.n}.db'}"
        with before_each_change(strike), suppress(StateError):
            open_state(url).close()
        assert is_untouched(url) == nth.struck
        assert is_complete(url)
    assert nth.n > 4


def opens_and_dies(_: Connection, url: str, nth: int) -> None:
    counted = Nth(nth, persistent=False)
    with before_each_change(lambda: os.kill(os.getpid(), signal.SIGKILL) if counted.strikes() else None):
        open_state(url).close()


@pytest.mark.soak
@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.long), 23], ids=["each", "each 23rd"])
@pytest.mark.faults("W12")
def test_a_process_killed_within_a_change_of_the_schema_leaves_it_to_the_next(tmp_path: Path, stride: int) -> None:
    """At each statement of it, or at some: all of them are one transaction."""
    for nth in count(1, stride):
        url = f"sqlite:///{tmp_path / f'state {nth}.db'}"
        with started(settings().home, opens_and_dies, url, nth) as (process, _):
            process.join()
            died = process.exitcode == -signal.SIGKILL
        assert is_untouched(url) == died
        assert is_complete(url)
        if not died:
            assert nth > 4 * stride
            return


@pytest.mark.faults("W12")
def test_a_state_newer_than_the_code_is_refused_and_not_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    state: State = open_state(url)
    with state.writing() as tx:
        tx.execute(sa.text("update alembic_version set version_num = '9999'"))
    state.close()
    before = (tmp_path / "state.db").read_bytes()
    with pytest.raises(StateError, match=r"written by another version of the platform: .*9999.* Update it"):
        open_state(url)
    assert (tmp_path / "state.db").read_bytes() == before
