"""Opening the state: SQLite by default, Postgres by URL, brought up to the schema of this code when it is opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from gtm_platform.state import state_file
from gtm_platform.state.schema import VERSION
from gtm_platform.state.sqlite_files import module_of_home, opened
from gtm_platform.state.state_file import BUSY_SECONDS, identity

NO_ROOM = ("database or disk is full", "disk I/O error", "No space left on device")  # SQLite's words, and Postgres'
_migrating = Lock()  # Alembic knows one migration at a time in a process
FILE = "file"  # of a connection: which one it has open
MIGRATING = 7_246_001  # the number of the Postgres lock that lets one process migrate at a time


class StateError(RuntimeError):
    """The state cannot be opened or is of another version; the message says which and what to do."""


class _Moved(Exception):
    """The file that a connection has open is the state no more, as it was put under another key."""


@dataclass(frozen=True)
class State:
    """The platform's own database: a connection for reading, or a transaction for writing."""

    engine: sa.Engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction: all of it is kept when the block ends, nothing when it raises."""
        try:
            with self._begun() as connection, connection.get_transaction() or connection.begin():
                yield connection
        except DBAPIError as error:
            if any(words in str(error.orig) for words in NO_ROOM):
                shown = self.engine.url.render_as_string(hide_password=True)
                raise StateError(
                    f"The state at {shown} cannot be written: {error.orig}. Free space on its disk, and run it again."
                ) from error
            raise

    def _begun(self) -> sa.Connection:
        """Return a connection that has the lock to write, of the file that is the state now."""
        while True:
            connection = self.engine.connect().execution_options(writes=True)
            try:
                connection.begin()
            except _Moved:
                connection.invalidate()
                connection.close()
            except BaseException:
                connection.close()
                raise
            else:
                return connection

    def close(self) -> None:
        self.engine.dispose()


def open_state(url: str) -> State:
    """Open the database at a URL and migrate it to this code's schema; StateError if it cannot be used."""
    try:
        state = State(_engine(url))
        if (before := _version(state)) != VERSION:
            with _migrating:
                if before and before < VERSION:
                    _keep_copy(state.engine.url)
                _bring_up(state)
    except (ArgumentError, NoSuchModuleError) as error:
        raise StateError(f"GTM_STATE_URL is not the address of a database that can be used: {error}") from None
    except ImportError as error:
        raise StateError(f"GTM_STATE_URL needs a database driver that is not installed: {error.name}.") from None
    except DBAPIError as error:
        shown = sa.make_url(url).render_as_string(hide_password=True)
        raise StateError(f"The state at {shown} cannot be opened: {error.orig}") from None
    return state


def _engine(url: str) -> sa.Engine:
    place = sa.make_url(url)
    if place.get_backend_name() != "sqlite":
        return sa.create_engine(place, pool_pre_ping=True, hide_parameters=True)
    if not place.database or place.database == ":memory:":
        engine = sa.create_engine(place, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
        sa.event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = _engine_of_file(place, Path(place.database))
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _engine_of_file(place: sa.URL, path: Path) -> sa.Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    module = module_of_home()  # for all connections, as its errors are known by their kind

    def connect() -> Any:
        state_file.create(path)
        return opened(path, module=module, timeout=BUSY_SECONDS, check_same_thread=False)

    def note_file(connection: Any, entry: ConnectionPoolEntry) -> None:
        [(_, _, file)] = connection.execute("pragma database_list").fetchall()
        entry.info[FILE] = identity(file)

    def require_state(_: Any, entry: ConnectionPoolEntry, __: Any) -> None:
        if entry.info[FILE] != identity(path):
            raise DisconnectionError("The state was put under another key.")  # the pool connects again

    def require_still_state(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        if writes and connection.connection.info[FILE] != identity(path):
            connection.exec_driver_sql("rollback")
            raise _Moved("The state was put under another key just now: do it again.")

    engine = sa.create_engine(place, module=module, creator=connect, hide_parameters=True)
    sa.event.listen(engine, "connect", note_file)
    sa.event.listen(engine, "checkout", require_state)
    sa.event.listen(engine, "begin", _begin_sqlite)
    sa.event.listen(engine, "begin", require_still_state)
    return engine


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver would begin too late, and commit before a change of schema
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A reader that turns into a writer is refused at once when another wrote meanwhile; a writer that says so waits.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _version(state: State) -> str | None:
    try:
        with state.reading() as connection:
            return connection.execute(sa.text("select version_num from alembic_version")).scalar()
    except DBAPIError:
        return None  # a new database; one that cannot be reached says so when it is brought up


def _keep_copy(url: sa.URL) -> None:
    """Keep what a migration begins with, to go back to; of Postgres its own tools make copies."""
    if url.get_backend_name() == "sqlite" and url.database:
        from gtm_platform.state.sqlite_copy import keep_before_migration

        keep_before_migration(Path(url.database))


def _bring_up(state: State) -> None:
    from alembic import command  # a fifth of a second, only when there is something to do
    from alembic.config import Config
    from alembic.script.revision import ResolutionError
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", "gtm_platform.state:migrations")
    with state.writing() as connection:  # whoever comes second waits here, and finds nothing left to do
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, VERSION)
        except (CommandError, ResolutionError) as error:
            back = _way_back(state.engine.url)
            raise StateError(
                f"The state was written by another version of the platform: {error}. Update it{back}."
            ) from None


def _way_back(url: sa.URL) -> str:
    """Name the command that puts back the newest copy which this version can go on from; "" where there is none."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return ""
    from gtm_platform.state.sqlite_copy import newest_copy

    copy = newest_copy(Path(url.database), VERSION)
    return f", or go back to the state of before: gtm restore {copy} --home {copy.parents[1]}" if copy else ""
