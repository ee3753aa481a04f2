"""Engines of SQLAlchemy for SQLite files, each with a connection that is kept open, and few of them at once."""

import threading
from collections import OrderedDict
from typing import Any

import sqlalchemy as sa

BUSY_SECONDS = 60  # for which a writer waits for another, as in Dagster
FILES = 16  # to which a connection is kept: each run has a file of its own
_compiled: dict[Any, Any] = {}  # statements, which are the same for every file
_kept: OrderedDict[str, sa.Engine] = OrderedDict()  # by address, the one used last at the end
_kept_lock = threading.Lock()


def engine_of(address: str) -> sa.Engine:
    """Return the engine of a file, which keeps one connection.

    When there are too many, that of the file unused for longest is closed.
    """
    with _kept_lock:
        engine = _kept.get(address) or _new_engine(address)
        _kept[address] = engine
        _kept.move_to_end(address)
        oldest = _kept.popitem(last=False)[1] if len(_kept) > FILES else None
    if oldest:
        oldest.dispose()
    return engine


def close_files(folder: str) -> None:
    """Close the connections to the files in the folder, which then hold all that was written."""
    with _kept_lock:
        engines = [_kept.pop(address) for address in list(_kept) if address.startswith(f"sqlite:///{folder}/")]
    for engine in engines:
        engine.dispose()


def _new_engine(address: str) -> sa.Engine:
    engine = sa.create_engine(
        address,
        poolclass=sa.QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        execution_options={"compiled_cache": _compiled},
    )
    sa.event.listen(engine, "connect", _write_ahead)
    return engine


def _write_ahead(connection: Any, _record: object) -> None:
    """Wait for the disk when the log is moved into the file, not at each event.

    What a process wrote outlives its death; a machine that loses its power loses the last events at most.
    """
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
