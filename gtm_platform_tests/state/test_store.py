"""Opening the state: made once, by whoever comes first, and quick afterwards."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gtm_platform.state import State, StateError, open_state, slack_journal
from gtm_platform.state.hubspot_confirmed import last_confirmed
from gtm_platform.state.schema import VERSION, audit, metadata


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'home' / 'state.db'}"


def test_the_migrations_make_what_the_schema_declares(tmp_path: Path) -> None:
    state = open_state(url_of(tmp_path))
    with state.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_version_expected_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "gtm_platform.state:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == VERSION


def test_opening_what_is_up_to_date_costs_one_query(tmp_path: Path) -> None:
    open_state(url_of(tmp_path)).close()
    asked: list[str] = []

    def listen(connection: object, cursor: object, statement: str, *_: object) -> None:  # noqa: ARG001
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", listen)
    try:
        open_state(url_of(tmp_path)).close()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", listen)
    assert [query for query in asked if query != "begin"] == ["select version_num from alembic_version"]


def _open_and_add(url: str, times: int) -> None:
    state = open_state(url)
    for _ in range(times):
        with state.writing() as tx:
            count = tx.scalar(sa.select(sa.func.count()).select_from(audit))
            tx.execute(
                sa.text("insert into audit (at, actor, action, subject, detail) values ('', '', '', :n, '')"),
                {"n": count},
            )


@pytest.mark.soak
@pytest.mark.faults("W5", "W7")
def test_processes_that_open_and_write_at_once_neither_fail_nor_lose_anything(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    several = [spawn.Process(target=_open_and_add, args=(url_of(tmp_path), 10)) for _ in range(4)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert [one.exitcode for one in several] == [0] * 4
    with open_state(url_of(tmp_path)).reading() as tx:
        assert sorted(int(n) for n in tx.scalars(sa.text("select subject from audit"))) == list(range(40))


def _fail_after_adding(state: State) -> None:
    with state.writing() as tx:
        tx.execute(sa.text("insert into audit (at, actor, action, subject, detail) values ('', '', '', '', '')"))
        raise RuntimeError


def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path) -> None:
    state = open_state(url_of(tmp_path))
    with pytest.raises(RuntimeError):
        _fail_after_adding(state)
    with state.reading() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(audit)) == 0


def test_a_newer_schema_is_refused_with_a_sentence(tmp_path: Path) -> None:
    state: State = open_state(url_of(tmp_path))
    with state.writing() as tx:
        tx.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StateError, match="another version of the platform"):
        open_state(url_of(tmp_path))


@pytest.mark.parametrize("url", ["no such thing", "nosuch://host/db", "postgresql+pygresql://host/db"])
def test_an_address_that_is_none_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(StateError, match="GTM_STATE_URL"):
        open_state(url)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("my diary " * 200)
    with pytest.raises(StateError, match="cannot be opened"):
        open_state(f"sqlite:///{path}")
    assert path.read_text().startswith("my diary")


@contextmanager
def at_version(folder: Path, url: str, version: str) -> Iterator[sa.Connection]:
    """A state as an earlier version left it."""
    (folder / "home").mkdir()
    config = Config()
    config.set_main_option("script_location", "gtm_platform.state:migrations")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        yield connection
    engine.dispose()


def test_a_journal_of_the_first_version_is_brought_up_with_its_alerts(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    with at_version(tmp_path, url, "0001") as connection:
        insert = sa.text(
            "insert into slack_messages (fingerprint, kind, customer_id, day, facts, channel, status, attempts, at) "
            "values (:fingerprint, :kind, :customer, '2026-11-20', :facts, 'C0', :status, 0, '2026-11-20 06:00:00')"
        )
        drop = {"fingerprint": "health_drop:c1:d", "kind": "health_drop", "customer": "c1", "status": "sent"}
        failure = {"fingerprint": "run_failure:r1", "kind": "run_failure", "customer": "", "status": "intent"}
        facts = '{"run_id": "r1", "job": "sync_stripe", "why": "No."}'
        connection.execute(insert, [drop | {"facts": '{"score": 5}'}, failure | {"facts": facts}])

    state = open_state(url)

    with state.reading() as tx:
        [waiting] = slack_journal.waiting(tx, ["run_failed"])
        [sent] = slack_journal.newest(tx, "health_drop").values()
    assert (sent.subject_kind, sent.subject_id, sent.facts) == ("customer", "c1", {"score": 5})
    assert (waiting.subject_kind, waiting.subject_id, waiting.fingerprint) == ("run", "r1", "run_failed:r1")
    assert waiting.facts == {"run_id": "r1", "what": "sync_stripe", "why": "No."}
    with state.writing() as tx:  # one that waited is not journaled again under its new name
        again = slack_journal.Fact("run_failed:r1", "run_failed", "run", "r1", "2026-11-20", {})
        assert slack_journal.intend(tx, [again], "C0", datetime(2026, 11, 20, tzinfo=UTC)) == 0
    state.close()


def test_a_journal_of_before_knows_what_was_confirmed(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    with at_version(tmp_path, url, "0009") as connection:
        insert = sa.text(
            "insert into hubspot_writes (run_id, day, object_type, object_id, customer_id, property, before, after, "
            "status, provenance, trace_id, at) values ('r', '2026-11-20', 'contacts', :id, 'c', :name, '', :after, "
            ":status, '{}', 't', '2026-11-20 06:00:00')"
        )
        rows = [
            ("1", "score", "70", "written"), ("1", "score", "72", "written"), ("1", "status", "healthy", "unchanged"),
            ("2", "score", "72", "written"), ("2", "score", "60", "held"), ("2", "hs_object_id", "2", "unknown"),
        ]  # fmt: skip
        names = ("id", "name", "after", "status")
        connection.execute(insert, [dict(zip(names, row, strict=True)) for row in rows])

    state = open_state(url)

    with state.reading() as tx:
        assert last_confirmed(tx, "contacts", ["score"]) == {"1": '{"score":"72","status":"healthy"}', "2": None}
        assert last_confirmed(tx, "contacts", ["status"])["2"] == "{}"
    state.close()
