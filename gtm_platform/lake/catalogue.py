"""`gtm.duckdb`, for tools outside: views over the lake with explicit lists of files, made anew when files change.

`<schema>.<table>` holds all partitions, `current.<source>_<stream>` the newest version of each record,
`latest.<table>` the newest day of a daily table. Inside the platform everything asks the lake.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.lake import File, Lake
from gtm_platform.lake.storage_errors import storage_errors


class NoCatalogue(RuntimeError):
    """What lies under its name cannot be read; the message names the file and says what to do."""


@contextmanager
def reading(target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The catalogue, read-only. What is none is refused, and nothing is fetched from the net that could open it."""
    fetch_nothing: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        connection = duckdb.connect(str(target), read_only=True, config=fetch_nothing)
    except duckdb.Error as error:
        raise NoCatalogue(
            f"{target} is not the catalogue that it should be ({str(error).splitlines()[0][:120]}). "
            f"It holds no data of its own and is made again at the end of the next run."
        ) from error
    with connection:
        yield connection


def path_of(lake: Lake) -> Path:
    return lake.root.parent / "gtm.duckdb"


def renew(lake: Lake) -> bool:
    """Makes the catalogue again if the lake's files are not the ones it lists; says whether it did."""
    target = path_of(lake)
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two builders the later one lists again
        listing = {table: lake.files(table) for table in sorted(TABLES)}
        print_ = hashlib.sha256(repr(listing).encode()).hexdigest()
        if target.exists() and _fingerprint(target) == print_:
            return False
        draft = target.with_name(f".{target.name}")
        try:
            _sweep(draft)
            with storage_errors(target):
                _build(lake, listing, print_, draft)
                os.replace(draft, target)
        finally:
            _sweep(draft)
    return True


def _sweep(draft: Path) -> None:
    """The draft and its log, also one of a builder that was killed."""
    for path in draft.parent.glob(f"{draft.name}*"):
        path.unlink(missing_ok=True)


def _fingerprint(target: Path) -> str | None:
    try:
        with reading(target) as connection:
            found = connection.execute("select fingerprint from main.listing").fetchone()
    except (NoCatalogue, duckdb.Error):
        return None
    return str(found[0]) if found else None


def _build(lake: Lake, listing: dict[str, list[File]], fingerprint: str, draft: Path) -> None:
    with duckdb.connect(str(draft)) as connection:
        connection.execute(f"create table main.listing as select '{fingerprint}' as fingerprint")
        connection.execute("create schema current; create schema latest")
        for table, files in listing.items():
            schema, name = table.split("/")
            connection.execute(f'create schema if not exists "{schema}"')
            views = {f'"{schema}"."{name}"': lake.file_query(table, files)}
            if TABLES[table].cadence:
                views[f'current."{schema}_{name}"'] = lake.query_as_of(table, "9999")
            else:
                views[f'latest."{name}"'] = lake.file_query(table, files[-1:])
            for view, reading in views.items():
                connection.execute(f"create view {view} as {reading.sql}")
