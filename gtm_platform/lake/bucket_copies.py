"""This machine's copies of a bucket's files: no name is ever used twice, so no copy is ever stale.

Those that nobody read of late go when they take more room than they may.
"""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

READ_LATELY = 13 * 3600  # seconds that a copy stays however little room there is: as long as a superseded file does
TOUCHED_EVERY = 600  # seconds until it is noted again that a copy was read
LISTED_BEFORE = 3600  # seconds by which a copy is older than a listing that lacks it, to be of a removed file
LOOKED_AGAIN = 0.05  # share of the room that is filled until copies are measured again


@dataclass
class Copies:
    """The folder of the copies, and how many bytes they may take."""

    root: Path
    room: int
    _unmeasured: float = float("inf")  # bytes of copies that were made since they were measured

    def tables(self) -> set[str]:
        """Return the tables that have a folder."""
        folders = (path for path in self.root.glob("*/[!.]*") if path.is_dir())
        return {path.relative_to(self.root).as_posix() for path in folders}

    def has(self, path: Path, size: int | None) -> bool:
        """Whether a file is here, of its size where that is known; it is noted that it was read."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        if size is not None and status.st_size != size:
            return False  # it was cut off, by whatever
        if time.time() - status.st_atime > TOUCHED_EVERY:
            with suppress(FileNotFoundError):
                os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
        return True

    def keep(self, draft: Path, path: Path) -> None:
        """Make a copy of a draft, with the time of its name: checks tell by time and size that nothing damaged it."""
        size, stamp = draft.stat().st_size, int(path.name.split(".")[1][:20])
        os.utime(draft, ns=(time.time_ns(), stamp))
        draft.rename(path)
        self._unmeasured += size
        if self._unmeasured > self.room * LOOKED_AGAIN:
            self.make_room()

    def make_room(self) -> None:
        """Remove the copies that were read longest ago, until they take no more room than they may."""
        self._unmeasured = 0
        copies = sorted(self._measured())
        taken = sum(size for _, size, _ in copies)
        for read_at, size, path in copies:
            if taken <= self.room or time.time() - read_at < READ_LATELY:
                break
            Path(path).unlink(missing_ok=True)
            taken -= size

    def taken(self) -> int:
        """Return the bytes of the copies."""
        return sum(size for _, size, _ in self._measured())

    def drop_removed(self, table: str, names: Collection[str]) -> None:
        """Remove copies of files that are in the bucket no more: another machine may have erased a person there."""
        with suppress(FileNotFoundError), os.scandir(self.root / table) as entries:
            for entry in entries:
                is_copy = entry.name[0] != "." and entry.name not in names
                with suppress(FileNotFoundError):  # another process was faster
                    if is_copy and time.time() - entry.stat().st_ctime > LISTED_BEFORE:
                        Path(entry.path).unlink(missing_ok=True)

    def _measured(self) -> Iterator[tuple[float, int, str]]:
        """When each copy was read last, its bytes and its path."""
        for table in self.tables():
            with os.scandir(self.root / table) as entries:
                for entry in entries:
                    if entry.name[0] != "." and (status := _status(entry)):
                        yield status.st_atime, status.st_size, entry.path


def _status(entry: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return entry.stat()
    except FileNotFoundError:
        return None
