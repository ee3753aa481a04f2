"""Writing the lake's files anew with another key: plain to encrypted, an old key to a new one, and back to plain.

A file that is written anew keeps its partition and stamp, as it has the same rows: nothing is computed again because of
it. It counts at once; the old one goes when nobody reads it any more. What was done stays done, so that a rotation that
was killed goes on where it ended.
"""

import fcntl
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gtm_platform.keyring import PLAIN, KeyProblem, writing_key
from gtm_platform.lake.contract_check import same_rows
from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.duckdb_engine import Statement
from gtm_platform.lake.encrypted_files import file_name, key_of, rows_of_files
from gtm_platform.lake.lake import GRACE, ROW_GROUP_SIZE, SOURCE_ROW_GROUP_SIZE, File, Lake
from gtm_platform.lake.storage_errors import storage_errors

LOCK = "rotation.lock"


class RotationDiffers(RuntimeError):
    """A file that was written anew has not the rows of the old one; the old one is left as it was."""


@dataclass(frozen=True)
class KeyUse:
    """How many files, and bytes, are encrypted with each key; plain ones are under `plain`."""

    files: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)

    def describe(self) -> str:
        """Say which share of the bytes is under which key."""
        total = sum(self.bytes.values()) or 1
        return ", ".join(
            f"{size / total:.1%} {PLAIN if key == PLAIN else f'under {key}'} ({self.files[key]:,} files)"
            for key, size in sorted(self.bytes.items(), key=lambda item: -item[1])
        )


@dataclass(frozen=True)
class Progress:
    """How far a rotation is: which file was done last, and how many of how many are."""

    table: str
    done: int
    of: int


@contextmanager
def rotating(home: Path) -> Iterator[None]:
    """Let one rotation of a home run at a time."""
    home.mkdir(parents=True, exist_ok=True)
    with open(home / LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeyProblem(f"Another `gtm key rotate` is at work in {home}. Wait until it has ended.") from None
        yield


def lakes_of(home: Path) -> tuple[Lake, ...]:
    """Return the lake of a home, and the windows that only the hot path has."""
    return tuple(Lake(folder) for folder in (home / "lake", home / "hot") if folder.is_dir())


def tables_of(lake: Lake) -> list[str]:
    """List the tables that have a folder, whoever declares them."""
    folders = (path for path in lake.root.glob("*/[!.]*") if path.is_dir())
    return sorted(path.relative_to(lake.root).as_posix() for path in folders)


def to_rotate(lake: Lake, key: str) -> list[tuple[str, File]]:
    """List the files that still count, or may be read, and that have no copy under a key."""
    waiting = []
    for table in tables_of(lake):
        versions = lake.versions(table)
        done = {file.version for file in versions if key_of(file.path) == key}
        counting = {file.version: file for file in versions if file.version not in done}
        waiting += [(table, file) for file in counting.values() if not _is_forgotten(file, versions)]
    return waiting


def rotate(lake: Lake) -> Iterator[Progress]:
    """Write every file anew that is not under the key that encrypts now."""
    key = writing_key()
    waiting = to_rotate(lake, key)
    for done, (table, file) in enumerate(waiting, start=1):
        with suppress(FileNotFoundError):  # superseded and swept meanwhile, or somebody was erased from it
            _write_anew(lake, table, file, key)
        yield Progress(table, done, len(waiting))


def _write_anew(lake: Lake, table: str, file: File, key: str) -> None:
    target = file.path.with_name(file_name(f"{file.partition}.{file.stamp}", file.kind, key))
    draft = target.with_name(f".{target.name}")
    contract = TABLES.get(table)
    group = SOURCE_ROW_GROUP_SIZE if contract and contract.cadence else ROW_GROUP_SIZE
    if not file.path.exists():
        raise FileNotFoundError(file.path)
    try:
        with lake.naming_damage(lambda: [str(file.path)]):
            lake.copy(Statement(f"select * from {rows_of_files([file.path])}"), draft, group)
            if not same_rows(draft, file.path):
                raise RotationDiffers(f"{file.path} was not written anew as it should be, and is left as it was.")
        with storage_errors(target), open(draft, "rb") as written:
            os.fsync(written.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    if not file.path.exists():  # whoever removed it meanwhile did not know of the new one
        target.unlink(missing_ok=True)


def sweep(lake: Lake, *, at_once: bool = False) -> int:
    """Remove files of other keys that nobody reads any more; return how many of them are left.

    They are removed once what took their place is older than any query, or at once where nothing else runs.
    """
    key, left = writing_key(), 0
    for table in tables_of(lake):
        versions = lake.versions(table)
        done = {file.version: file for file in versions if key_of(file.path) == key}
        for file in versions:
            if key_of(file.path) == key:
                continue
            successor = done.get(file.version)
            replaced = successor is not None and (at_once or _age(successor.path) > GRACE)
            if replaced or _is_forgotten(file, versions):
                file.path.unlink(missing_ok=True)
            else:
                left += 1
        left += _sweep_drafts(lake.root / table, key)
    return left


def _sweep_drafts(folder: Path, key: str) -> int:
    """Remove drafts of runs that died, and count those that may still be written."""
    left = 0
    for draft in folder.glob(".*"):
        with suppress(FileNotFoundError):
            if key_of(draft) == key or not (draft.is_dir() or draft.name.endswith((".parquet", ".damaged"))):
                continue
            if _age(draft) <= GRACE:
                left += 1
            elif draft.is_dir():
                shutil.rmtree(draft)
            else:
                draft.unlink()
    return left


def _is_forgotten(file: File, versions: Sequence[File]) -> bool:
    """Whether another version took the place of a file so long ago that nobody reads it any more."""
    later = [other for other in versions if other.partition == file.partition and other.stamp > file.stamp]
    return bool(later) and time.time() - min(later).written > GRACE


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def use_of(lakes: Sequence[Lake]) -> KeyUse:
    """Look at the bytes of every file: which are encrypted, and by their names with which key."""
    use = KeyUse()
    for lake in lakes:
        for path in lake.root.glob("*/*/**/*.parquet"):
            with suppress(FileNotFoundError):
                key = key_of(path) if is_encrypted(path) else PLAIN
                use.files[key] += 1
                use.bytes[key] += path.stat().st_size
    return use


def is_encrypted(path: Path) -> bool:
    """Whether a Parquet file is encrypted, by its first bytes."""
    with open(path, "rb") as file:
        return file.read(4) == b"PARE"
