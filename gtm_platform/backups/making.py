"""`gtm backup`: a home copied while it runs.

The databases first, each as it is at one moment, then the files of the lake, which never change. So the copy of the
lake is never older than what the state says was done with it. What can be made again stays out.
"""

import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from gtm_platform.backups.manifest import (
    NAME,
    Entry,
    Manifest,
    NotABackup,
    copied,
    entry_of,
    is_of_lake,
    package_version,
)
from gtm_platform.lake import parts
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.state.sqlite_copy import COPIES, copy_database, version_of

# What is made again by itself, or belongs to processes that run: folders and files at the top of a home.
LEFT_OUT = frozenset({"cache", "runs", "spill", "checks", "etags", "sandbox", COPIES})
LEFT_OUT_ENDINGS = (".lock", ".log", ".duckdb", ".duckdb.wal", ".db-wal", ".db-shm", ".db-journal")
SQLITE = ".db"
STATE, LAKE, HISTORY = "state.db", "lake", "dagster"
REST = "rest"  # in an archive
ARCHIVES = (".tar", ".tar.gz", ".tgz")
LEAST_LEFT = 0.5  # a backup is not replaced by one of a lake that lost more than this share of its files


class LakeShrank(RuntimeError):
    """The lake has far fewer files than the backup that would be replaced."""


@dataclass(frozen=True)
class Made:
    """What a backup came to."""

    manifest: Manifest
    copied: int  # files that were not there before
    bytes: int

    def __str__(self) -> str:
        total = sum(entry.size for entry in self.manifest.files.values())
        return (
            f"{len(self.manifest.files):,} files, {total / 1e6:,.1f} MB; {self.copied:,} of them, "
            f"{self.bytes / 1e6:,.1f} MB, were copied now"
        )


@dataclass(frozen=True)
class Backup:
    """A home, and how it is copied."""

    home: Path
    now: datetime
    has_state: bool = True  # False where it lies in Postgres
    with_history: bool = True
    link: bool = False

    def to_folder(self, target: Path, *, force: bool = False) -> Made:
        """Copy the home into a folder; files of the lake that are there already are not copied again.

        Until the new manifest has its name the backup before is whole, whenever this one ends.
        """
        self._refuse_empty()
        before = _manifest_before(target)
        if before and not force:
            _refuse_shrinkage(before, sum(is_of_lake(self._name(path)) for path in self._files()))
        target.mkdir(parents=True, exist_ok=True)
        rest = f"rest-{self.now:%Y%m%dT%H%M%S%f}"
        with storage_errors(target):
            entries = self._databases_into(target / rest)
            new = list(entries.values())
            for path in self._files():
                place = target / (self._name(path) if is_of_lake(self._name(path)) else f"{rest}/{self._name(path)}")
                entry, is_new = self._one(path, place, before)
                if entry:
                    entries[self._name(path)] = entry
                    new += [entry] * is_new
            manifest = self._manifest(entries, rest)
            draft = target / f".{NAME}"
            draft.write_text(manifest.text())
            draft.replace(target / NAME)
            _remove_others(target, manifest)
        return Made(manifest, len(new), sum(entry.size for entry in new))

    def to_archive(self, target: Path) -> Made:
        """Copy the home into one file; a file that is there is replaced once the new one is whole."""
        self._refuse_empty()
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with storage_errors(target), TemporaryDirectory(dir=target.parent) as folder:
                entries = self._databases_into(Path(folder, REST))
                with tarfile.open(draft, "w" if target.suffix == ".tar" else "w:gz") as archive:
                    for name in entries:
                        archive.add(Path(folder, REST, name), f"{REST}/{name}")
                    for path in self._files():
                        name = self._name(path)
                        with suppress(FileNotFoundError):  # superseded meanwhile
                            entries[name] = _added(archive, path, name if is_of_lake(name) else f"{REST}/{name}")
                    manifest = self._manifest(entries, REST)
                    described = Path(folder, NAME)
                    described.write_text(manifest.text())
                    archive.add(described, NAME)
                draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return Made(manifest, len(manifest.files), sum(entry.size for entry in manifest.files.values()))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.home).as_posix()

    # --- what is copied ----------------------------------------------------------------------------------------------

    def _refuse_empty(self) -> None:
        if not (self.home / LAKE).is_dir() and not (self.home / STATE).exists():
            raise ValueError(f"There is nothing to back up: {self.home} has neither a lake nor a state.")

    def _databases_into(self, target: Path) -> dict[str, Entry]:
        """Copy each SQLite file of the home: the state first, then what tells of it."""
        entries = {}
        for path in self._databases():
            name = path.relative_to(self.home).as_posix()
            if path.exists():  # else it is of a run that was tidied away meanwhile
                copy_database(path, target / name)
                entries[name] = entry_of(target / name)
        return entries

    def _databases(self) -> Iterator[Path]:
        if self.has_state and (self.home / STATE).exists():
            yield self.home / STATE
        if self.with_history:
            yield from sorted((self.home / HISTORY).rglob(f"*{SQLITE}"))

    def _files(self) -> Iterator[Path]:
        """List the other files of the home; hidden ones are drafts."""
        for top in sorted(self.home.iterdir()):
            if top.name in LEFT_OUT | {HISTORY} or top.name.endswith((*LEFT_OUT_ENDINGS, SQLITE)) or _is_hidden(top):
                continue
            yield from [top] if top.is_file() else _without_drafts(sorted(_visible(top)))

    def _one(self, path: Path, place: Path, before: Manifest | None) -> tuple[Entry | None, bool]:
        """Copy a file, unless it is one of the lake and there already; None where it was deleted meanwhile."""
        name = self._name(path)
        earlier = before.files.get(name) if before and is_of_lake(name) else None
        if earlier and place.exists() and place.stat().st_size == earlier.size:
            return earlier, False
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.draft")
        try:
            if self.link and is_of_lake(name) and _linked(path, draft):
                entry = entry_of(draft)
            else:
                with open(path, "rb") as source, open(draft, "wb") as copy:
                    entry = copied(source, copy)
        except FileNotFoundError:
            return None, False
        draft.replace(place)
        return entry, True

    def _manifest(self, entries: dict[str, Entry], rest: str) -> Manifest:
        version = version_of(self.home / STATE) if STATE in entries else None
        return Manifest(self.now.isoformat(), str(self.home), package_version(), version, rest, entries)


def make(backup: Backup, target: Path, *, force: bool = False) -> Made:
    """Back up a home into a folder, or into one file by its ending."""
    if target.resolve().is_relative_to(backup.home):
        raise ValueError(f"{target} lies in the home itself: a fire takes both. Choose another place.")
    if target.name.endswith(ARCHIVES):
        return backup.to_archive(target)
    return backup.to_folder(target, force=force)


def _manifest_before(target: Path) -> Manifest | None:
    if not target.exists() or not any(target.iterdir()):
        return None
    try:
        return Manifest.parse((target / NAME).read_text())
    except FileNotFoundError:
        raise NotABackup(
            f"{target} holds other files and no {NAME}: choose an empty folder, or one with a backup. One that was "
            f"interrupted before its end may be removed."
        ) from None


def _refuse_shrinkage(before: Manifest, left: int) -> None:
    was = sum(map(is_of_lake, before.files))
    if left < was * LEAST_LEFT:
        raise LakeShrank(
            f"The lake has {left:,} files, where the backup has {was:,}: the backup stays as it was. See what became "
            f"of the lake; if it is right, use another folder, or --force."
        )


def _remove_others(target: Path, manifest: Manifest) -> None:
    """Delete what is of backups before, and what the home has no more."""
    kept = {NAME, *map(manifest.place, manifest.files)}
    for path in list(_visible(target)):
        if path.relative_to(target).as_posix() not in kept:
            path.unlink(missing_ok=True)
    for folder in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):  # it is not empty
            folder.rmdir()


def _added(archive: tarfile.TarFile, path: Path, name: str) -> Entry:
    entry = entry_of(path)
    archive.add(path, name, recursive=False)
    return entry


def _visible(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _without_drafts(paths: Sequence[Path]) -> Iterator[Path]:
    """Leave out the parts of files of the lake that do not count yet; of those that do, the parts come first."""
    markers = set(filter(parts.is_marker, paths))
    yield from (path for path in paths if not parts.is_part(path) or parts.file_of(path) in markers)


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _linked(path: Path, draft: Path) -> bool:
    """Let another name stand for a file that never changes; False on another disk."""
    draft.unlink(missing_ok=True)
    try:
        os.link(path, draft)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True
