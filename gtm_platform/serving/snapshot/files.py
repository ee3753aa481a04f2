"""The folder of snapshots: which file counts, how a new one takes its place, which old ones go.

A file is never changed. The newest name counts; whoever reads an older one goes on, as an open file outlives its name.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gtm_platform.keyring import writing_key
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.state.sqlite_files import connect

SUFFIX = ".sqlite"
KEEP = 2  # the newest, and the one before it, which some process may be about to open
OLD_DRAFT_SECONDS = 3600 * 13


def folder_of(home: Path) -> Path:
    """Return where the snapshots of a home lie."""
    return home / "serving"


def stamps(folder: Path) -> list[str]:
    """Return the stamps of the snapshots, the oldest first."""
    try:
        return sorted(stamp for entry in os.scandir(folder) if (stamp := _stamp_of(entry.name)))
    except FileNotFoundError:
        return []


def path_of(folder: Path, stamp: str) -> Path:
    """Return the file of a stamp, whichever key it is encrypted with."""
    return next(iter(folder.glob(f"{stamp}.*{SUFFIX}")), folder / f"{stamp}{SUFFIX}")


def key_of(path: Path) -> str:
    """Return the name of the key that a snapshot is encrypted with; empty for a plain one."""
    return path.name.removesuffix(SUFFIX).lstrip(".").partition(".")[2]


def opened(path: Path, **more: Any) -> sqlite3.Connection:
    """Open a snapshot, which never changes, to read it."""
    return connect(path, key_of(path), "immutable=1", **more)


@contextmanager
def publishing(folder: Path, keep: int = KEEP) -> Iterator[tuple[str, Path]]:
    """Yield a new stamp and the draft to fill; once it is filled it takes its place, and old ones go."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{max([time.time_ns(), *(int(old) + 1 for old in stamps(folder))]):020d}"
    key = writing_key()
    target = folder / f"{stamp}.{key}{SUFFIX}" if key else folder / f"{stamp}{SUFFIX}"
    draft = folder / f".{target.name}"
    try:
        with storage_errors(target):
            yield stamp, draft
            with open(draft, "rb") as file:
                os.fsync(file.fileno())
            draft.rename(target)
            _sync_folder(folder)
    finally:
        draft.unlink(missing_ok=True)
    for old in stamps(folder)[:-keep]:
        path_of(folder, old).unlink(missing_ok=True)
    _sweep(folder)


def _stamp_of(name: str) -> str:
    stamp = name.removesuffix(SUFFIX).partition(".")[0]
    return stamp if name.endswith(SUFFIX) and stamp.isdigit() else ""


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Delete the drafts of builders that were killed."""
    for draft in folder.glob(f".*{SUFFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > OLD_DRAFT_SECONDS:
                draft.unlink()
