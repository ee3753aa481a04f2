"""Dagster's history in SQLite, in the files that Dagster's own storage uses, with a connection to each file kept.

Dagster makes an engine of SQLAlchemy for every statement, which compiles the statement anew, and a connection. Closing
the last connection moves the write-ahead log into the file and waits for the disk: most of what an event costs, and
more than a small sync does otherwise. `dagster.yaml` names `SqliteHistory`.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._serdes import ConfigurableClassData

BUSY_SECONDS = 60  # for which a writer waits for another, as in Dagster
FILES = 16  # to which a connection is kept: each run has a file of its own
_kept: OrderedDict[str, sa.Engine] = OrderedDict()  # by address, the one used last at the end
_kept_lock = threading.Lock()


def _engine(address: str) -> sa.Engine:
    """Return the engine of a file, which keeps one connection; that of the file unused for longest is closed."""
    with _kept_lock:
        engine = _kept.get(address) or _new_engine(address)
        _kept[address] = engine
        _kept.move_to_end(address)
        oldest = _kept.popitem(last=False)[1] if len(_kept) > FILES else None
    if oldest:
        oldest.dispose()
    return engine


def _new_engine(address: str) -> sa.Engine:
    engine = sa.create_engine(
        address,
        poolclass=sa.QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    sa.event.listen(engine, "connect", _write_ahead)
    return engine


def _write_ahead(connection: Any, _record: object) -> None:
    """Wait for the disk when the log is moved into the file, not at each event.

    What a process wrote outlives its death; a machine that loses its power loses the last events at most.
    """
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _close(folder: str) -> None:
    """Close the connections to the files in the folder, which then hold all that was written."""
    with _kept_lock:
        engines = [_kept.pop(address) for address in list(_kept) if address.startswith(f"sqlite:///{folder}/")]
    for engine in engines:
        engine.dispose()


class _EventLog(SqliteEventLogStorage):
    home: str  # the folder of all files, not only of the events

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = _engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def dispose(self) -> None:
        super().dispose()
        _close(self.home)  # an instance that ends says so to this storage last


class _Runs(SqliteRunStorage):
    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with _engine(self._conn_string).begin() as connection:
            yield connection


class _Schedules(SqliteScheduleStorage):
    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with _engine(self._conn_string).begin() as connection:
            yield connection


class SqliteHistory(DagsterSqliteStorage):
    """Runs, events and ticks in SQLite beside dagster.yaml."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._run_storage = _Runs.from_local(_runs_directory(base_dir))
        self._event_log_storage = _EventLog(_event_logs_directory(base_dir))
        self._event_log_storage.home = os.path.abspath(base_dir)
        self._schedule_storage = _Schedules.from_local(_schedule_directory(base_dir))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "SqliteHistory":
        """Make it by its section of dagster.yaml."""
        return cls.from_local(config_value["base_dir"], inst_data)
