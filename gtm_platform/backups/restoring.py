"""`gtm restore`: a home out of a backup, whole or not at all; and a state back to before a migration.

What stands in the backup is compared with its manifest first. The journal is then behind the systems that were written
to since: deliveries read before they write, and the comparison of each day mends the rest.
"""

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from gtm_platform.backups.making import ARCHIVES, HISTORY, STATE
from gtm_platform.backups.manifest import NAME, Entry, Manifest, NotABackup, entry_of
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.state.schema import VERSION
from gtm_platform.state.sqlite_copy import copy_database, version_of
from gtm_platform.state.state_file import JOURNALS, remove_left_over

Watch = Callable[[int, int], None]  # how many files of how many


def restore(source: Path, home: Path, watch: Watch = lambda _done, _all: None) -> Manifest:
    """Put a backup into a home that is not there yet; nothing of it is there until all of it is."""
    if home.exists() and any(home.iterdir()):
        raise ValueError(f"{home} is not empty, and a restore replaces nothing. Move it away, or name another --home.")
    home.parent.mkdir(parents=True, exist_ok=True)
    with _opened(source, home.parent) as folder, storage_errors(home):
        manifest = _manifest_of(folder, source)
        if manifest.state_version and manifest.state_version > VERSION:
            raise NotABackup(
                f"The backup is of version {manifest.package} with a state {manifest.state_version}; this one knows "
                f"states up to {VERSION}. Update the platform, and restore again."
            )
        draft = home.with_name(f".{home.name}.restoring.{os.getpid()}")
        try:
            for done, (name, entry) in enumerate(sorted(manifest.files.items()), 1):
                _put(folder / manifest.place(name), draft / name, name, entry)
                watch(done, len(manifest.files))
            if home.exists():
                home.rmdir()
            draft.replace(home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return manifest


def restore_state(copy: Path, home: Path, now: datetime) -> tuple[str, Path]:
    """Put back the state of before a migration; return its version, and where that of today was put.

    Nothing may have the home open: what runs would go on with the file that was put aside.
    """
    version = version_of(copy)
    if version is None:
        raise NotABackup(f"{copy} is not a state, or GTM_KEYS lacks its key: name a file of {home / 'state-copies'}.")
    state = home / STATE
    aside = home / f"state.replaced-{now:%Y%m%dT%H%M%S}.db"
    if state.exists():
        copy_database(state, aside)
    draft = home / f".{STATE}.{os.getpid()}"
    copy_database(copy, draft)
    for ending in JOURNALS:
        Path(f"{state}{ending}").unlink(missing_ok=True)
    draft.replace(state)
    remove_left_over(state)
    return version, aside


@contextmanager
def _opened(source: Path, parent: Path) -> Iterator[Path]:
    """Open a backup as a folder."""
    if source.is_dir():
        yield source
        return
    if not source.exists() or not source.name.endswith(ARCHIVES):
        raise NotABackup(f"{source} is no backup: name a folder or a file that `gtm backup` made.")
    with TemporaryDirectory(dir=parent, prefix=".restoring-") as folder:
        try:
            with tarfile.open(source) as archive:
                _extract(archive, Path(folder).resolve())
        except (tarfile.TarError, EOFError, OSError) as error:
            raise NotABackup(f"{source} cannot be read to its end ({error}): it is damaged.") from error
        yield Path(folder)


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Write the files of an archive below a folder; a link, or a path that leads out of it, is refused.

    The filter of `extractall` does so, which Python has from 3.11.4 on.
    """
    for member in archive:
        target = (folder / member.name).resolve()
        if member.isdir():
            continue
        content = archive.extractfile(member) if member.isfile() else None
        if content is None or not target.is_relative_to(folder):
            raise tarfile.TarError(f"{member.name} is no file of a backup")
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, open(target, "wb") as file:
            shutil.copyfileobj(content, file)


def _manifest_of(folder: Path, source: Path) -> Manifest:
    try:
        return Manifest.parse((folder / NAME).read_text())
    except FileNotFoundError:
        raise NotABackup(f"{source} has no {NAME}: it is no backup, or one that was interrupted.") from None


def _put(source: Path, target: Path, name: str, entry: Entry) -> None:
    """Copy a file, and refuse one that is not what was backed up."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        raise NotABackup(f"The backup lacks {name}; nothing was restored. Use another backup.") from None
    if entry_of(target) != entry:
        raise NotABackup(f"{name} of the backup is damaged: it is not what was backed up. Nothing was restored.")


def has_history(home: Path) -> bool:
    """Whether Dagster's history came with the backup."""
    return any((home / HISTORY).rglob("*.db"))
