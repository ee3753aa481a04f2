"""Writing the lake's files anew with another key: plain to encrypted, an old key to a new one, and back to plain.

A file that is written anew keeps its partition and stamp, as it has the same rows: nothing is computed again because of
it. One in parts becomes one file. It counts at once; the old one goes when nobody reads it any more. What was done
stays done, so that a rotation that was killed goes on where it ended.
"""

import fcntl
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
from gtm_platform.lake.made_from import forget_measures
from gtm_platform.lake.store import Folder, lake_root

LOCK = "rotation.lock"


class RotationDiffers(RuntimeError):
    """A file that was written anew has not the rows of the old one; the old one is left as it was."""


@dataclass(frozen=True)
class KeyUse:
    """How many files of a lake are encrypted with each key, and of what size; plain ones are `plain`."""

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
    """Return a home's lakes: its own or that of the bucket, and windows that only the hot path has."""
    return tuple(lake for lake in map(Lake, (lake_root(home), home / "hot")) if lake.tables())


def to_rotate(lake: Lake, key: str) -> list[tuple[str, File]]:
    """List the files that still count, or may be read, and that have no copy under a key."""
    waiting = []
    for table in lake.tables():
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
    if lake.store.published(file.path) is None:
        raise FileNotFoundError(file.path)
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        paths = lake.paths([file])
        with lake.naming_damage(lambda: paths):
            lake.copy(Statement(f"select * from {rows_of_files(paths)}"), draft, group)
            if not same_rows([draft], list(map(Path, paths))):
                raise RotationDiffers(f"{file.path} was not written anew as it should be, and is left as it was.")
        lake.store.publish(draft, target)
        if key:
            forget_measures(lake, table, file.partition)
    finally:
        draft.unlink(missing_ok=True)
    if lake.store.published(file.path) is None:  # whoever removed it meanwhile did not know of the new one
        lake.store.remove(target)


def sweep(lake: Lake, *, at_once: bool = False) -> int:
    """Remove files of other keys that nobody reads any more; return how many of them are left.

    They are removed once what took their place is older than any query, or at once where nothing else runs.
    """
    key, left = writing_key(), 0
    for table in lake.tables():
        versions = lake.versions(table)
        done = {file.version: file for file in versions if key_of(file.path) == key}
        for file in versions:
            if key_of(file.path) == key:
                continue
            successor = done.get(file.version)
            replaced = successor is not None and (at_once or _age(lake, successor.path) > GRACE)
            if replaced or _is_forgotten(file, versions):
                lake.store.remove(file.path)
            else:
                left += 1
    return left + _sweep_drafts(lake, key)


def _sweep_drafts(lake: Lake, key: str) -> int:
    """Remove drafts of runs that died, and what was set aside, and count what may still be written."""
    left = 0
    for draft in lake.store.hidden():
        if key_of(draft) == key:
            continue
        if _age(lake, draft) <= GRACE:
            left += 1
        elif draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            lake.store.remove(draft)
    return left


def _is_forgotten(file: File, versions: Sequence[File]) -> bool:
    """Whether another version took the place of a file so long ago that nobody reads it any more."""
    later = [other for other in versions if other.partition == file.partition and other.stamp > file.stamp]
    return bool(later) and time.time() - min(later).written > GRACE


def _age(lake: Lake, path: Path) -> float:
    published = lake.store.published(path)
    return 0 if published is None else time.time() - published


def use_of(lakes: Sequence[Lake]) -> KeyUse:
    """Look at the bytes of every file: which are encrypted, and by their names with which key.

    In a bucket each look would be a request: there the bytes of copies are looked at, and of the others the names.
    """
    use = KeyUse()
    for lake in lakes:
        for path in {*lake.root.glob("*/*/**/*.parquet"), *_uncopied(lake)}:
            with suppress(FileNotFoundError):
                key = key_of(path) if not path.exists() or is_encrypted(path) else ""
                use.files[key or PLAIN] += 1
                use.bytes[key or PLAIN] += path.stat().st_size if path.exists() else lake.store.size(path)
    return use


def _uncopied(lake: Lake) -> Iterator[Path]:
    """Yield the files of a lake in a bucket that this machine has no copy of."""
    if not isinstance(lake.store, Folder):
        yield from (file.path for table in lake.tables() for file in lake.versions(table) if not file.path.exists())


def is_encrypted(path: Path) -> bool:
    """Whether a Parquet file is encrypted, by its first bytes."""
    with open(path, "rb") as file:
        return file.read(4) == b"PARE"
