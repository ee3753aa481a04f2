"""The state in a file: made under the key that encrypts now, and moved to another one while processes use it.

A state that was moved has a name of its own with the name of its key in it, and `state.db` is a link to it: the link
changes at once, and SQLite keeps its journal beside what the link leads to, so that what still has the old file open
touches nothing of the new one. Whoever writes looks, once it has the lock, whether its file is still the state.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from gtm_platform.keyring import PLAIN, KeyProblem, writing_key
from gtm_platform.state.sqlite_files import cipher, connect, copy_under_key, counts, opened, required_key_of

BUSY_SECONDS = 30
JOURNALS = ("-wal", "-shm")

Identity = tuple[int, int]


def identity(path: Path | str) -> Identity | None:
    """Return which file a path leads to now; None where there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def file_of(url: str) -> Path | None:
    """Return the file that a state lies in; None where it is in a server or in memory."""
    place = sa.make_url(url)
    is_file = place.get_backend_name() == "sqlite" and place.database not in (None, "", ":memory:")
    return Path(place.database or "") if is_file else None


def create(path: Path) -> None:
    """Make a new state where there is none, under the key that encrypts now; a plain one makes itself."""
    if path.exists():
        return
    if path.is_symlink():
        raise KeyProblem(f"{path} is a link to {os.readlink(path)}, which is gone. Restore the state from a backup.")
    if key := writing_key():
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            if not path.exists():
                draft = path.with_name(f".{path.name}.new")
                draft.unlink(missing_ok=True)
                with closing(connect(draft, key)) as new:
                    new.execute("pragma journal_mode=wal")  # writes the first page
                draft.replace(path)


def move(path: Path, key: str) -> bool:
    """Write a state anew under a key while it is read and written; False where it is under it, or there is none."""
    if not path.exists():
        return False
    with _alone(path):
        old = path.resolve()
        if required_key_of(path) == key:
            return False
        target = old.with_name(f"{path.stem}.{time.time_ns():020d}.{key or PLAIN}{path.suffix}")
        with (
            closing(opened(old, module=cipher(), isolation_level=None, timeout=BUSY_SECONDS)) as lock,
            closing(opened(old, module=cipher(), isolation_level=None, timeout=BUSY_SECONDS)) as source,
        ):
            source.execute("pragma wal_checkpoint(truncate)").fetchall()
            lock.execute("begin immediate")  # from here on nobody writes, until it is the state no more
            draft = target.with_name(f".{target.name}")
            try:
                copy_under_key(source, draft, key)
                _require_same(source, draft, key)
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)
            _lead_to(path, target)
            lock.execute("rollback")
        _remove(old, unless=path)
    return True


def _require_same(source: sqlite3.Connection, draft: Path, key: str) -> None:
    with closing(connect(draft, key, module=cipher(), isolation_level=None)) as new:
        whole = new.execute("pragma integrity_check").fetchall() == [("ok",)]
        if not whole or counts(new) != counts(source):
            raise KeyProblem("The state was not written anew as it should be, and is left as it was.")
    handle = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lead_to(path: Path, target: Path) -> None:
    link = path.with_name(f".{path.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    link.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(old: Path, unless: Path) -> None:
    """Remove what was the state, with its journals; where it had the name that is a link now, those only."""
    if old != unless.parent.resolve() / unless.name:
        old.unlink(missing_ok=True)
    for ending in JOURNALS:
        Path(f"{old}{ending}").unlink(missing_ok=True)


def remove_left_over(path: Path) -> None:
    """Remove files of moves that were stopped before they ended, and what a restored state took the place of."""
    with _alone(path):
        folder, present = path.parent.resolve(), str(path.resolve())
        for left in (*folder.glob(f"{path.stem}.{'[0-9]' * 20}.*"), *folder.glob(f".{path.stem}.*.db*")):
            if not str(left).startswith(present):
                left.unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process make or move a state at a time."""
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
