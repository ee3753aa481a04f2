"""Dagster's history in SQLite, in the files that Dagster's own storage uses, with the engine of each file kept.

Dagster makes an engine of SQLAlchemy for every statement, which compiles the statement anew: most of what an event
costs. An engine has no connection of its own, so nothing else is different. `dagster.yaml` names `SqliteHistory`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
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
from sqlalchemy.pool import NullPool

BUSY_SECONDS = 60  # for which a writer waits for another, as in Dagster
FILES = 64  # whose engines are kept: each run has a file of its own


@lru_cache(maxsize=FILES)
def _engine(address: str) -> sa.Engine:
    return sa.create_engine(address, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})


class _EventLog(SqliteEventLogStorage):
    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = _engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection


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
        self._schedule_storage = _Schedules.from_local(_schedule_directory(base_dir))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "SqliteHistory":
        """Make it by its section of dagster.yaml."""
        return cls.from_local(config_value["base_dir"], inst_data)
