"""`gtm.duckdb`, for tools outside: views over the lake with explicit lists of files, made anew when files change.

`<schema>.<table>` holds all partitions, `current.<source>_<stream>` the newest version of each record,
`latest.<table>` the newest day of a daily table; each column of a table that has a file says what it means. Inside the
platform everything reads the lake itself. What people keep in the file beside the views belongs into `guest_objects`.
"""

import fcntl
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from gtm_platform.lake import catalogue_record
from gtm_platform.lake.catalogue_record import Made
from gtm_platform.lake.contracts import TABLES, Column, Contract
from gtm_platform.lake.encrypted_files import rows_of_files
from gtm_platform.lake.encryption import equip
from gtm_platform.lake.file_query import FileQuery, text
from gtm_platform.lake.guest_objects import (
    NoCatalogue,
    begin_draft,
    busy,
    is_locked,
    keeping,
    naming_conflicts,
    put_in_place,
)
from gtm_platform.lake.lake import File, Lake
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.lake.store import listed_once


@contextmanager
def reading(target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the catalogue read-only, or refuse what is none; nothing is fetched from the net to open it."""
    fetch_nothing: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        connection = duckdb.connect(str(target), read_only=True, config=fetch_nothing)
    except duckdb.Error as error:
        if is_locked(error):
            raise busy(target, error) from error
        raise NoCatalogue(
            f"{target} is not the catalogue that it should be ({str(error).splitlines()[0][:120]}). "
            f"The data is in the lake; it is set aside and made again at the end of the next run."
        ) from error
    with connection:
        equip(connection, asks_nobody=True)
        yield connection


def path_of(lake: Lake) -> Path:
    """Return where a lake's catalogue lies."""
    return lake.home / "gtm.duckdb"


def is_stale(lake: Lake, tables: Collection[str] | None = None) -> bool:
    """Whether the catalogue is missing or lists other files than the lake has; no table need be declared."""
    before = _made_before(path_of(lake))
    if before is None:
        return True
    listed = {table: made.files for table, made in before.items() if made.files and _is_asked(table, tables)}
    return listed != {table: _hash_of(files) for table, files in _files_there(lake, tables).items()}


def make_ready(lake: Lake, tables: Collection[str] | None = None) -> None:
    """Have the views of all or some tables answer: of the lake's files, which are on this machine."""
    with listed_once():
        renew(lake, tables)
        for files in _files_there(lake, tables).values():
            lake.paths(files)  # views read a bucket's copies, which may have made room for others since


def tables_named(lake: Lake, names: Iterable[str]) -> list[str] | None:
    """Return the tables that views of these names may be of; None where a name is no view of ours."""
    of_view: dict[str, list[str]] = {}
    for table in lake.tables():
        schema, name = table.split("/")
        for view in (f"{schema}.{name}", f"current.{schema}_{name}", f"latest.{name}", f"latest.{schema}_{name}"):
            of_view.setdefault(view, []).append(table)
    named = [name.replace('"', "") for name in names]
    if not all(name in of_view for name in named):
        return None
    return sorted({table for name in named for table in of_view[name]})


def _is_asked(table: str, tables: Collection[str] | None) -> bool:
    return tables is None or table in tables


def renew(lake: Lake, tables: Collection[str] | None = None) -> bool:
    """Make views again whose files or contracts changed, of all or some tables; say whether any did."""
    target = path_of(lake)
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two builders the later one lists again
        listing = _files_there(lake, tables)
        to_make = _to_make(listing, tables)
        with storage_errors(target), keeping(target) as kept:
            before = catalogue_record.read(kept) if kept else None
            kept_views = {table: made for table, made in (before or {}).items() if not _is_asked(table, tables)}
            if before is not None and before == kept_views | to_make:
                return False
            _replace(target, lake, listing, kept_views | to_make, is_kept=kept is not None)
    return True


def _replace(
    target: Path, lake: Lake, listing: Mapping[str, list[File]], tables: Mapping[str, Made], *, is_kept: bool
) -> None:
    draft = target.with_name(f".{target.name}")
    try:
        _sweep(draft)
        if is_kept:
            begin_draft(target, draft)
        with naming_conflicts(target):
            _build(lake, listing, tables, draft)
        put_in_place(draft, target)
    finally:
        _sweep(draft)


def _files_there(lake: Lake, tables: Collection[str] | None) -> dict[str, list[File]]:
    listed = (table for table in lake.tables() if _is_asked(table, tables))
    return {table: files for table in listed if (files := lake.files(table))}


def _to_make(listing: Mapping[str, list[File]], tables: Collection[str] | None) -> dict[str, Made]:
    files = {table: _hash_of(listed) for table, listed in listing.items()}
    made_of = sorted(table for table in {*files, *TABLES} if _is_asked(table, tables))
    return {table: Made(files.get(table, ""), _hash_of(_shown_of(table))) for table in made_of}


def _shown_of(table: str) -> object:
    """What the catalogue shows of a table besides its rows."""
    if table not in TABLES:
        return views_of(table)
    contract = TABLES[table]
    columns = [(name, column.type, _comment(column)) for name, column in contract.columns.items()]
    return views_of(table), contract.about, columns


def _comment(column: Column) -> str:
    return f"{column.about} (personal)" if column.personal else column.about


def _hash_of(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _sweep(draft: Path) -> None:
    """The draft and its log, also one of a builder that was killed."""
    for path in draft.parent.glob(f"{draft.name}*"):
        path.unlink(missing_ok=True)


def _made_before(target: Path) -> dict[str, Made] | None:
    """Return what the catalogue was made of; None where there is none that says so."""
    if not target.exists():
        return None
    try:
        with reading(target) as connection:
            return catalogue_record.read(connection)
    except (NoCatalogue, duckdb.Error):
        return None


def _build(lake: Lake, listing: Mapping[str, list[File]], tables: Mapping[str, Made], draft: Path) -> None:
    """Make the views that are not what they are to be; the others stay as the draft has them."""
    with duckdb.connect(str(draft)) as connection:
        equip(connection)
        noted = catalogue_record.read(connection)
        connection.execute("begin")  # a thousand statements one by one would each wait for the disk
        if noted is None:
            catalogue_record.drop_unnoted(connection)
        kept = {table: made for table, made in (noted or {}).items() if tables.get(table) == made}
        for table, made in (noted or {}).items():
            if table not in kept:
                catalogue_record.drop_views(connection, made.views)
        connection.execute("create schema if not exists current; create schema if not exists latest")
        for table in sorted(tables.keys() - kept.keys()):
            connection.execute(f'create schema if not exists "{table.split("/")[0]}"')
            views = _make_views(connection, lake, table, listing.get(table, []))
            kept[table] = replace(tables[table], views=tuple(views))
        catalogue_record.write(connection, kept)
        connection.execute("commit")


def _make_views(connection: duckdb.DuckDBPyConnection, lake: Lake, table: str, files: list[File]) -> list[str]:
    if table not in TABLES:
        return _undeclared_views(connection, lake, table, files)
    contract = TABLES[table]
    views = _views(lake, table, files)
    for view, (query, about) in views.items():
        connection.execute(f"create view {view} as {query.sql}")
        connection.execute(_comment_on(f"view {view}", f"{contract.about.strip()} {about}".strip()))
        if files:  # to comment on each column takes far longer than all else: those without a row wait for one
            connection.execute(";".join(_comments(view, contract)))
    return list(views)


def _undeclared_views(connection: duckdb.DuckDBPyConnection, lake: Lake, table: str, files: list[File]) -> list[str]:
    """Make the views of a table that only another code location declares, in the columns of its files."""
    every, now = views_of(table)
    for view, of_view in ((every, files), (now, files[-1:])):
        rows = rows_of_files(lake.paths(of_view), by_name=True)
        connection.execute(f"create view {view} as select * from {rows}")
    return [every, now]


def views_of(table: str) -> tuple[str, str]:
    """Return the names of a table's two views: of all partitions, and of what holds now.

    `latest` has one view of a name; of two tables that are called alike, the one declared later has its schema in it.
    """
    schema, name = table.split("/")
    if table in TABLES and TABLES[table].cadence:
        return f'"{schema}"."{name}"', f'"current"."{schema}_{name}"'
    alike = [other for other, contract in TABLES.items() if not contract.cadence and other.split("/")[1] == name]
    latest = name if alike[:1] in ([], [table]) else f"{schema}_{name}"
    return f'"{schema}"."{name}"', f'"latest"."{latest}"'


def _views(lake: Lake, table: str, files: list[File]) -> dict[str, tuple[FileQuery, str]]:
    """The views of a table, each with what it holds of it."""
    every, now = views_of(table)
    whole = lake.file_query(table, files)
    if TABLES[table].cadence:
        newest = (lake.query_as_of(table, "9999"), "The newest version of each record.")
        return {every: (whole, "Every version, by window."), now: newest}
    newest = (lake.file_query(table, files[-1:]), "The newest day.")
    return {every: (whole, "Every day."), now: newest}


def _comments(view: str, contract: Contract) -> Iterator[str]:
    for name, column in contract.columns.items():
        if comment := _comment(column):
            yield _comment_on(f'column {view}."{name}"', comment)


def _comment_on(item: str, comment: str) -> str:
    return f"comment on {item} is {text(comment)}"
