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

KEPT = "kept"  # the name of the old file while it is attached

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


@contextmanager
def keeping(target: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """Read the file, and let nobody write to it meanwhile; None where none can be read."""
    with duckdb.connect() as connection:
        yield connection if _attach(connection, target) else None


def begin_draft(target: Path, draft: Path) -> None:
    """Copy the file that is kept, with what people have in it."""
    for source, copy in ((target, draft), (_log_of(target), _log_of(draft))):
        if source.exists():
            shutil.copyfile(source, copy)


def put_in_place(draft: Path, target: Path) -> None:
    """Replace the file that is kept by the new one."""
    os.replace(draft, target)
    _log_of(target).unlink(missing_ok=True)  # what it held was read with the file


def _attach(connection: duckdb.DuckDBPyConnection, target: Path) -> bool:
    """Open the file and read it from here on; what is no database is set aside, as its guests cannot be saved by us."""
    if not (target.exists() and target.stat().st_size):
        return False
    try:
        connection.execute(f"attach {text(str(target))} as {KEPT} (read_only); use {KEPT}")
    except duckdb.Error as error:
        if is_locked(error):
            raise busy(target, error) from error
        if isinstance(error, duckdb.OutOfMemoryException) or any(reason in str(error) for reason in FULL):
            raise
        aside = target.with_name(f"{target.name}.unreadable")
        os.replace(target, aside)
        log.warning("%s cannot be read as a database: it is now %s, and the views are made anew.", target, aside)
        return False
    return True


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
