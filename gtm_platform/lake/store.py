"""Where the files of the lake lie: in a folder, or in a bucket of which this machine keeps copies.

A name that was published is never written again, and a listing shows a name only once all of its file is there: the
lake asks no more of either. To the rest of the platform a file has one path, where it lies or where its copy does.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gtm_platform.lake import parts
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.settings import settings

if TYPE_CHECKING:
    from gtm_platform.lake.bucket import Bucket

FOLDER = "lake"  # of a home; also of the copies, in the folder of what is kept to save time
DAMAGED = ".damaged"


class Store(Protocol):
    """What the lake asks of the place that its files lie in; files are named by their paths."""

    def tables(self) -> list[str]:
        """List the tables that have files, whoever declares them."""

    def names(self, table: str) -> list[str]:
        """List the files of a table that are whole."""

    def fetch(self, paths: Iterable[Path]) -> None:
        """Have files on this machine, where they can be read."""

    def renew(self, path: Path) -> bool:
        """Have a file on this machine anew; whether it could be of use."""

    def publish(self, draft: Path, target: Path) -> None:
        """Give a draft its name: the whole file is there, or nothing, and never in the place of another."""

    def publish_parts(self, paths: Sequence[Path], rows: int) -> None:
        """Let the parts of a folder count, all of them or none, by a marker that names them."""

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is gone already."""

    def set_aside(self, path: Path) -> None:
        """Hide a damaged file from listings, for whoever wants to look."""

    def hidden(self) -> list[Path]:
        """List what no listing shows: drafts of runs that died, and what was set aside."""

    def size(self, path: Path) -> int:
        """Return the bytes of a file; 0 where it is not there any more."""

    def published(self, path: Path) -> float | None:
        """Return when a file got its name, in seconds since 1970; None where it is not there any more."""


@dataclass(frozen=True)
class Folder:
    """The lake in a folder: a draft gets its name by renaming."""

    root: Path

    def tables(self) -> list[str]:
        """List the tables that have a folder."""
        folders = (path for path in self.root.glob("*/[!.]*") if path.is_dir())
        return sorted(path.relative_to(self.root).as_posix() for path in folders)

    def names(self, table: str) -> list[str]:
        """List the files of a table; of those in parts their markers, which count as the file."""
        try:
            names = [entry.name for entry in os.scandir(self.root / table)]
        except FileNotFoundError:
            return []
        return [name for name in names if name[0] != "." and not name.endswith(parts.FOLDER)]

    def fetch(self, paths: Iterable[Path]) -> None:
        """Do nothing: the files lie on this machine."""

    def renew(self, path: Path) -> bool:  # noqa: ARG002
        """Do nothing: what lies here is the file itself."""
        return False

    def publish(self, draft: Path, target: Path) -> None:
        """Rename a draft, once the disk has all of it."""
        with storage_errors(target), open(draft, "rb") as file:
            os.fsync(file.fileno())
        draft.rename(target)

    def publish_parts(self, paths: Sequence[Path], rows: int) -> None:
        """Write a marker, once the disk has all parts; it goes again if somebody took a part away meanwhile."""
        folder = paths[0].parent
        target = parts.marker_of(folder)
        named = tuple(parts.Part(path.name, path.stat().st_size) for path in paths)
        draft = target.with_name(f".{target.name}.draft.parquet")
        try:
            with storage_errors(target):
                for path in paths:
                    with open(path, "rb") as file:
                        os.fsync(file.fileno())
                draft.write_text(parts.Parts(rows, named).text())
            self.publish(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        if missing := [path for path in paths if not path.exists()]:
            self.remove(target)
            raise FileNotFoundError(missing[0])

    def remove(self, path: Path) -> None:
        """Remove a file; of one in parts first what makes it count."""
        path.unlink(missing_ok=True)
        if parts.is_marker(path):
            shutil.rmtree(parts.folder_of(path), ignore_errors=True)

    def set_aside(self, path: Path) -> None:
        """Rename a file, so that no listing shows it."""
        path.rename(hidden_name(path))
        if parts.is_marker(path):
            folder = parts.folder_of(path)
            folder.rename(hidden_name(folder))

    def hidden(self) -> list[Path]:
        """List drafts and what was set aside."""
        return list(hidden_in(self.root))

    def size(self, path: Path) -> int:
        """Return the bytes of a file, in all its parts."""
        try:
            if parts.is_marker(path):
                return sum(part.bytes for part in parts.read(path).parts)
            return path.stat().st_size
        except (FileNotFoundError, parts.DamagedMarker):
            return 0

    def published(self, path: Path) -> float | None:
        """Return when a file was written under its name."""
        try:
            return path.stat().st_mtime
        except FileNotFoundError:
            return None


def hidden_name(path: Path) -> Path:
    """Return the name of a file that is set aside."""
    return path.with_name(f".{path.name}{DAMAGED}")


def hidden_in(root: Path) -> Iterator[Path]:
    """Yield drafts, folders of drafts and what was set aside; notes are neither."""
    yield from parts.drafts_in(root, "*/*/*")
    yield from (path for path in root.glob("*/*/.*") if path.is_dir() or path.name.endswith((".parquet", DAMAGED)))


def lake_root(home: Path) -> Path:
    """Return the folder of a home's lake; of one in a bucket, that of its copies."""
    return copies_of(address) if (address := settings().gtm_lake) else home / FOLDER


def copies_of(address: str) -> Path:
    """Return the folder of this machine's copies of a bucket; another bucket has another."""
    return settings().cache / FOLDER / address.replace("://", "-").replace("/", "-")


def store_of(path: Path) -> Store:
    """Return the store of a lake's root, or of a file: the bucket of the environment, else the folder."""
    bucket = the_bucket()
    return bucket if bucket and path.is_relative_to(bucket.root) else Folder(path)


def the_bucket() -> "Bucket | None":
    """Return the bucket of GTM_LAKE; None where the lake lies in the home."""
    if not (address := settings().gtm_lake):
        return None
    from gtm_platform.lake.bucket import bucket_at

    return bucket_at(address, copies_of(address), settings().lake_cache)


def fetch(paths: Iterable[Path]) -> None:
    """Have files on this machine that lie in the bucket; others are here."""
    if bucket := the_bucket():
        bucket.fetch(path for path in paths if path.is_relative_to(bucket.root))


def listed_once() -> AbstractContextManager[None]:
    """Let a run list the bucket once, and see what it writes itself; a folder is listed each time."""
    bucket = the_bucket()
    return bucket.listed_once() if bucket else nullcontext()


def is_here() -> bool:
    """Whether the lake lies in the home, where a file costs nothing to open."""
    return not settings().gtm_lake
