"""Dagster's history in SQLite, in the files that Dagster's own storage uses, with a connection to each file kept.

Dagster makes an engine of SQLAlchemy for every statement, which compiles the statement anew, and a connection. Closing
the last connection moves the write-ahead log into the file and waits for the disk: most of what an event costs, and
more than a small sync does otherwise. `dagster.yaml` names `SqliteHistory`; its events: `compat_sqlite_events`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._serdes import ConfigurableClassData

from gtm_platform.orchestration.compat_sqlite_events import EventLog
from gtm_platform.orchestration.sqlite_engines import engine_of


class _Runs(SqliteRunStorage):
    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with engine_of(self._conn_string).begin() as connection:
            yield connection


class _Schedules(SqliteScheduleStorage):
    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with engine_of(self._conn_string).begin() as connection:
            yield connection


class SqliteHistory(DagsterSqliteStorage):
    """Runs, events and ticks in SQLite beside dagster.yaml."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._run_storage = _Runs.from_local(_runs_directory(base_dir))
        self._event_log_storage = EventLog(_event_logs_directory(base_dir))
        self._event_log_storage.home = os.path.abspath(base_dir)
        self._schedule_storage = _Schedules.from_local(_schedule_directory(base_dir))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "SqliteHistory":
        """Make it by its section of dagster.yaml."""
        return cls.from_local(config_value["base_dir"], inst_data)
