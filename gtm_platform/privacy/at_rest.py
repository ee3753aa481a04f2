"""What of a home is encrypted at rest, by its bytes; and all of it written anew with another key.

What is never encrypted stands in PLAIN_FILES with the reason, and `gtm doctor` lists what of it there is. Whoever keeps
files in a home that are neither lake, snapshot nor state writes them by `sealed_files` and adds their folder to SEALED,
or a line to PLAIN_FILES.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gtm_platform import sealed_files
from gtm_platform.keyring import PLAIN, forget_keys, keyring, noted_keys, writing_key
from gtm_platform.lake import catalogue
from gtm_platform.lake.lake import GRACE
from gtm_platform.lake.rotation import KeyUse, Progress, lakes_of, rotate, rotating, sweep, use_of
from gtm_platform.lake.store import FOLDER, listed_once, the_bucket
from gtm_platform.serving.snapshot.files import folder_of, path_of, stamps
from gtm_platform.serving.snapshot.files import key_of as snapshot_key_of
from gtm_platform.serving.snapshot.rotation import rewrite_newest
from gtm_platform.settings import settings
from gtm_platform.state import sqlite_files, state_file
from gtm_platform.state.sqlite_copy import COPIES

# What in a home is never encrypted, and why; the first of the parts of its path names it.
PLAIN_FILES: Mapping[str, str] = {
    "dagster": "Dagster's history, logs and its own settings, which name nobody; what a run prints is in it",
    "gtm.duckdb": "views without rows; what people keep in it is plain",
    "drop": "as people put it there, until it is taken in",
    "cache": "queries without rows",
    "spill": "what a warehouse is handed, for as long as it loads; what the engine puts aside is encrypted",
}
# Folders whose files are encrypted one by one.
SEALED: Mapping[str, str] = {
    "reports": "reports",
    "reports_of": "reports of what a role sees",
    "files": "originals of dropped files",
    "checks": "verdicts of checks, with rows that fail",
    "etags": "answers of systems that say when they changed",
}
STATE, REPLACED_STATES = "state", "state.replaced-*.db"
TO_ROTATE = "gtm key rotate encrypts it"
SANDBOX = "sandbox"  # it stands for the systems outside


@dataclass(frozen=True)
class AtRest:
    """What the bytes of a home say."""

    writing: str  # the key that encrypts, by the environment
    lake: KeyUse
    snapshots: KeyUse
    state: KeyUse  # with its copies; empty where it is in Postgres
    files: KeyUse  # of SEALED
    plain: Mapping[str, int]  # bytes, by the first part of the path

    @property
    def uses(self) -> Mapping[str, KeyUse]:
        """The kinds of what can be encrypted."""
        return {"lake": self.lake, "snapshots": self.snapshots, "state": self.state, "files": self.files}

    @property
    def keys(self) -> frozenset[str]:
        """The keys that something is encrypted with."""
        return frozenset(key for use in self.uses.values() for key in use.files) - {PLAIN}

    @property
    def to_rotate(self) -> int:
        """How many files are under another key than the one that encrypts now."""
        wanted = self.writing or PLAIN
        return sum(count for use in self.uses.values() for key, count in use.files.items() if key != wanted)


def look(home: Path) -> AtRest:
    """Look at every file of a home."""
    plain = Counter(_plain(home))
    state, files = KeyUse(), KeyUse()
    for path in _states(home):
        key = sqlite_files.key_of(path)
        _count(state, path, _lost_key(home) if key is None else key, plain, STATE)
    for path in _sealed(home):
        _count(files, path, sealed_files.key_of(path), plain, path.relative_to(home).parts[0])
    return AtRest(keyring().writing, use_of(lakes_of(home)), _snapshots(home), state, files, plain)


def _count(use: KeyUse, path: Path, key: str, plain: Counter[str], place: str) -> None:
    size = path.stat().st_size
    use.files[key or PLAIN] += 1
    use.bytes[key or PLAIN] += size
    if not key:
        plain[place] += size


def reason_of(place: str) -> str:
    """Say why a place that is named by `AtRest.plain` is plain."""
    return PLAIN_FILES.get(place, TO_ROTATE)


def _lost_key(home: Path) -> str:
    """Name the key that a file must be under which no key of GTM_KEYS opens."""
    return ", ".join(sorted(noted_keys(home).keys() - keyring().keys.keys())) or "a key that the home does not know"


def _state_file(home: Path) -> Path | None:
    """Return the file that the state of a home lies in, if it lies in one."""
    return state_file.file_of(settings().state_url) if settings().gtm_state_url else home / "state.db"


def _states(home: Path) -> Iterator[Path]:
    """Yield the files of the state and of its copies."""
    if (state := _state_file(home)) and state.exists():
        yield state.resolve()
    yield from _copies(home)


def _copies(home: Path) -> Iterator[Path]:
    folders = {home, *([state.parent] if (state := _state_file(home)) else [])}
    for folder in sorted(folders):
        yield from sorted((*(folder / COPIES).glob("*.db"), *folder.glob(REPLACED_STATES)))


def _sealed(home: Path) -> Iterator[Path]:
    """Yield the files of SEALED; hidden ones are being written, or were left behind."""
    for folder in SEALED:
        yield from sorted(path for path in (home / folder).rglob("*") if path.is_file() and path.name != ".lock")


def _snapshots(home: Path) -> KeyUse:
    use = KeyUse()
    for path in map(partial(path_of, folder_of(home)), stamps(folder_of(home))):
        key = PLAIN if sqlite_files.is_plain(path) else snapshot_key_of(path)
        use.files[key] += 1
        use.bytes[key] += path.stat().st_size
    return use


def _plain(home: Path) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for top in sorted(home.iterdir()) if home.is_dir() else ():
        name = next((name for name in PLAIN_FILES if top.name.lstrip(".").startswith(name)), "")
        if name:
            sizes[name] += sum(os.stat(path).st_size for path in _files(top))
    return {name: size for name, size in sizes.items() if size}


def _files(top: Path) -> Iterator[Path]:
    copies = top / FOLDER if top.name == "cache" else None  # of a bucket, as they are there
    every = [top] if top.is_file() else (path for path in top.rglob("*") if path.is_file())
    yield from (path for path in every if copies is None or not path.is_relative_to(copies))


@dataclass(frozen=True)
class Rotated:
    """What a rotation came to: files that wait until nobody reads them, and keys that may be dropped."""

    left: int
    others: int  # files beside those of the lake that were written anew
    droppable: tuple[str, ...]
    waiting: tuple[str, ...] = ()  # what could not be done now, each a sentence


class Rotation:
    """The rotation of a home to the key that encrypts now; it is driven by its progress."""

    def __init__(self, home: Path, *, at_once: bool = False) -> None:
        self._home, self._at_once = home, at_once

    def run(self) -> Iterator[Progress]:
        """Write the files of the lake anew, one by one."""
        with rotating(self._home), listed_once():
            for lake in lakes_of(self._home):
                yield from rotate(lake)

    def finish(self) -> Rotated:
        """Remove what was replaced, as far as nobody reads it any more; say which keys may go."""
        with rotating(self._home), listed_once():
            lakes = lakes_of(self._home)
            home_lake = self._home / FOLDER  # of one in a bucket, views are made when somebody asks
            for lake in lakes:
                if lake.root == home_lake:
                    catalogue.renew(lake)  # its views name files
            left = sum(sweep(lake, at_once=self._at_once) for lake in lakes)
            others = rewrite_newest(folder_of(self._home)) + self._state() + self._files()
            left += _left_behind(self._home)
            used = look(self._home).keys
            bucket = the_bucket()
            noted = dict.fromkeys([*noted_keys(self._home), *(bucket.noted_keys() if bucket else ())])
            unused = tuple(name for name in noted if name not in used and name != writing_key())
            if not left:
                forget_keys(self._home, unused)
                if bucket:
                    bucket.forget_keys(unused)
            return Rotated(left, others, unused if not left else ())

    def _state(self) -> int:
        """Move the state, and write its copies anew; one in Postgres is its disk's."""
        state, key = _state_file(self._home), writing_key()
        moved = bool(state and state_file.move(state, key))
        if state and state.exists():
            state_file.remove_left_over(state)
        return moved + sum(sqlite_files.rewrite(copy, key) for copy in _copies(self._home))

    def _files(self) -> int:
        key = writing_key()
        return sum(sealed_files.rewrite(path, key) for path in _sealed(self._home) if not path.name.startswith("."))


def _left_behind(home: Path) -> int:
    """Remove drafts of processes that died, and count those that may still be written."""
    left = 0
    for draft in [path for path in _sealed(home) if path.name.startswith(".")]:
        if time.time() - draft.stat().st_mtime > GRACE:
            draft.unlink(missing_ok=True)
        else:
            left += sealed_files.key_of(draft) != writing_key()
    return left
