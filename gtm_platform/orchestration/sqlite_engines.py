"""Engines of SQLAlchemy for SQLite files, each kept with an open connection while it is among those used last."""

from collections import OrderedDict
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

BUSY_SECONDS = 60  # for which a writer waits for another, as in Dagster
FILES = 32  # whose engines are kept: each run has a file of its own
COMPILED: dict[Any, Any] = {}  # statements, which are the same for every file


class SqliteEngines:
    """The engines of one storage; threads may share them."""

    def __init__(self) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        self._lock = Lock()

    def of(self, address: str) -> sa.Engine:
        """Return the engine of a file, and close that of the file used longest ago if there are too many."""
        with self._lock:
            if address not in self._engines:
                self._engines[address] = _engine(address)
            self._engines.move_to_end(address)
            if len(self._engines) > FILES:
                self._engines.popitem(last=False)[1].dispose()
            return self._engines[address]

    def dispose(self) -> None:
        """Close the connections that nobody uses; the files can be asked again."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()


def _engine(address: str) -> sa.Engine:
    return sa.create_engine(
        address,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,  # as many as threads need; one stays open
        connect_args={"timeout": BUSY_SECONDS},
        execution_options={"compiled_cache": COMPILED},
    )
