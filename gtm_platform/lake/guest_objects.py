"""What people keep in `gtm.duckdb` beside the platform's views: it survives when the views are made again.

The new file begins as a copy of the old one; only views that the platform made are replaced in it.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from gtm_platform.lake.file_query import text
from gtm_platform.lake.storage_errors import FULL

OLD = "before"  # the name of the old file while it is attached

State = tuple[tuple[int, int, int], ...]

log = logging.getLogger(__name__)


class NoCatalogue(RuntimeError):
    """The catalogue's file cannot be read; the message names the file and says what to do."""


class CatalogueBusy(NoCatalogue):
    """Another program has the catalogue open for writing; the message names it."""


class NameTaken(RuntimeError):
    """Something of a person's own has the name of a view of the platform; the message names both."""


def is_locked(error: duckdb.Error) -> bool:
    """Whether a file could not be opened because another program writes to it."""
    return "Could not set lock" in str(error)


def busy(target: Path, error: duckdb.Error) -> CatalogueBusy:
    """Describe which program has the catalogue open."""
    _, _, holder = str(error).partition("Conflicting lock is held in ")
    return CatalogueBusy(
        f"{target} is open for writing in another program ({holder.splitlines()[0].partition(' See')[0]}), so its "
        f"views stay as they are. Close it there; they are made again at the end of the next run, or by `gtm query`."
    )


def begin_draft(target: Path, draft: Path) -> State:
    """Copy the old file, with what people keep in it; return the state in which it was."""
    state = state_of(target)
    if not _holds_something(target):
        return state
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach {text(str(target))} as {OLD} (read_only)")
            for source, copy in ((target, draft), (_log_of(target), _log_of(draft))):
                if source.exists():
                    shutil.copyfile(source, copy)
        with duckdb.connect(str(draft)) as connection:
            connection.execute("select count(*) from duckdb_views()")
    except duckdb.Error as error:
        if is_locked(error):
            raise busy(target, error) from error
        if isinstance(error, duckdb.OutOfMemoryException) or any(reason in str(error) for reason in FULL):
            raise
    else:
        return state
    # What cannot be read holds no guests that could be saved by us; perhaps by somebody else.
    for path in (draft, _log_of(draft)):
        path.unlink(missing_ok=True)
    aside = target.with_name(f"{target.name}.unreadable")
    os.replace(target, aside)
    log.warning("%s cannot be read as a database: it is now %s, and the views are made anew.", target, aside)
    return ()


def put_in_place(draft: Path, target: Path, state: State) -> None:
    """Replace the old file by the new one, unless somebody wrote to it since it was read."""
    if _holds_something(target):
        with duckdb.connect() as connection:
            try:
                connection.execute(f"attach {text(str(target))} as {OLD} (read_only)")
            except duckdb.Error as error:
                raise (busy(target, error) if is_locked(error) else error) from error
            if state_of(target) != state:
                raise CatalogueBusy(
                    f"{target} was changed while its views were made again. It stays as it is; its views are made "
                    f"again at the end of the next run, or by `gtm query`."
                )
    os.replace(draft, target)
    _log_of(target).unlink(missing_ok=True)  # what it held was read with the file


def state_of(target: Path) -> State:
    """What changes when somebody writes to a database file or to its log."""
    stats = [path.stat() for path in (target, _log_of(target)) if path.exists()]
    return tuple((stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)


def _holds_something(target: Path) -> bool:
    return target.exists() and target.stat().st_size > 0


def _log_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.wal")


@contextmanager
def naming_conflicts(target: Path) -> Iterator[None]:
    """Turn a name that is taken in the draft into a sentence."""
    try:
        yield
    except duckdb.CatalogException as error:
        raise NameTaken(
            f"The views of {target} cannot be made: {str(error).splitlines()[0]}, and it is not the platform's. "
            f"Rename or drop it. The file is as it was."
        ) from error
