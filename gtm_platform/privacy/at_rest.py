"""What of a home is encrypted at rest, by its bytes; and all of it written anew with another key.

What is not encrypted stands in PLAIN_FILES with the reason, and `gtm doctor` lists what of it there is. Whoever keeps
files in a home that are neither lake, snapshot nor state adds a line there.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gtm_platform.keyring import PLAIN, forget_keys, keyring, noted_keys, writing_key
from gtm_platform.lake import catalogue
from gtm_platform.lake.rotation import KeyUse, Progress, lakes_of, rotate, rotating, sweep, use_of
from gtm_platform.serving.snapshot import files as snapshots
from gtm_platform.serving.snapshot.rotation import rewrite_newest
from gtm_platform.state.sqlite_files import is_plain

# What in a home is never encrypted, and why; the first of the parts of its path names it.
PLAIN_FILES: Mapping[str, str] = {
    "state.db": "what was sent and decided: addresses, names, messages",
    "state-copies": "states of before an update",
    "dagster": "Dagster's history, logs and its own settings, which name nobody; what a run prints is in it",
    "gtm.duckdb": "views without rows; what people keep in it is plain",
    "reports": "made to be opened and sent",
    "drop": "as people put it there; taken in, it is in the lake",
    "cache": "queries, and what a source said of its schema",
    "spill": "what a warehouse is handed, for as long as it loads; what the engine puts aside is encrypted",
    "checks": "answers of model checks",
    "etags": "answers of systems that say when they changed",
}
SANDBOX = "sandbox"  # it stands for the systems outside


@dataclass(frozen=True)
class AtRest:
    """What the bytes of a home say."""

    writing: str  # the key that encrypts, by the environment
    lake: KeyUse
    snapshots: KeyUse
    plain: Mapping[str, int]  # bytes, by the first part of the path

    @property
    def keys(self) -> frozenset[str]:
        """The keys that something is encrypted with."""
        return frozenset({*self.lake.files, *self.snapshots.files} - {PLAIN})

    @property
    def to_rotate(self) -> int:
        """How many files are under another key than the one that encrypts now."""
        wanted = self.writing or PLAIN
        return sum(count for use in (self.lake, self.snapshots) for key, count in use.files.items() if key != wanted)


def look(home: Path) -> AtRest:
    """Look at every file of a home."""
    return AtRest(keyring().writing, use_of(lakes_of(home)), _snapshots(home), _plain(home))


def _snapshots(home: Path) -> KeyUse:
    use = KeyUse()
    for path in snapshots.folder_of(home).glob(f"*{snapshots.SUFFIX}"):
        key = PLAIN if is_plain(path) else snapshots.key_of(path)
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
    yield from [top] if top.is_file() else (path for path in top.rglob("*") if path.is_file())


@dataclass(frozen=True)
class Rotated:
    """What a rotation came to: files that wait until nobody reads them, and keys that may go."""

    left: int
    droppable: tuple[str, ...]
    waiting: tuple[str, ...] = ()  # what could not be done now, each a sentence


class Rotation:
    """The rotation of a home to the key that encrypts now; it is driven by its progress."""

    def __init__(self, home: Path, *, at_once: bool = False) -> None:
        self._home, self._at_once = home, at_once

    def run(self) -> Iterator[Progress]:
        """Write the files of the lake anew, one by one."""
        with rotating(self._home):
            for lake in lakes_of(self._home):
                yield from rotate(lake)

    def finish(self) -> Rotated:
        """Remove what was replaced, as far as nobody reads it any more; say which keys may go."""
        with rotating(self._home):
            lakes = lakes_of(self._home)
            for lake in lakes:
                if lake.root.name == "lake":
                    catalogue.renew(lake)  # its views name files
            left = sum(sweep(lake, at_once=self._at_once) for lake in lakes)
            rewrite_newest(snapshots.folder_of(self._home))
            used = look(self._home).keys
            unused = tuple(name for name in noted_keys(self._home) if name not in used and name != writing_key())
            if not left:
                forget_keys(self._home, unused)
            return Rotated(left, unused if not left else ())
