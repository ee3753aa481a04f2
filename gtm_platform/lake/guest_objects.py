"""What people keep in `gtm.duckdb` beside the platform's views: it survives when the views are made again.

Tables, views, macros, sequences and schemas are copied into the new file before the platform's views are made in it.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from gtm_platform.lake.file_query import quoted, text
from gtm_platform.lake.storage_errors import FULL

OLD = "before"  # the name of the old file while it is attached
BOOKKEEPING = ("listing", "platform_views")  # tables of the platform, in the schema main
VIEWS = f"select schema_name, view_name from duckdb_views() where not internal and database_name = '{OLD}'"
GUESTS = f"""
    select count(*) from (
        select table_name from duckdb_tables()
        where database_name = '{OLD}' and not internal and not (schema_name = 'main' and table_name in {BOOKKEEPING})
        union all select view_name from ({VIEWS}) where (schema_name, view_name) not in (select platform from ours)
        union all select function_name from duckdb_functions() where database_name = '{OLD}' and not internal
        union all select sequence_name from duckdb_sequences() where database_name = '{OLD}'
        union all select type_name from duckdb_types() where database_name = '{OLD}' and not internal)
"""

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
    """Put into a new file what people keep in the old one; return the state in which that was."""
    state = state_of(target)
    if not _holds_something(target):
        return state
    with duckdb.connect(str(draft)) as connection:
        try:
            connection.execute(f"attach {text(str(target))} as {OLD} (read_only)")
            _copy_guests(connection)
            connection.execute(f"detach {OLD}")
        except duckdb.Error as error:
            if is_locked(error):
                raise busy(target, error) from error
            if isinstance(error, duckdb.OutOfMemoryException) or any(reason in str(error) for reason in FULL):
                raise
        else:
            return state
    # What cannot be read holds no guests that could be saved by us; perhaps by somebody else.
    draft.unlink()
    aside = target.with_name(f"{target.name}.unreadable")
    os.replace(target, aside)
    log.warning("%s cannot be read as a database: it is now %s, and the views are made anew.", target, aside)
    return ()


def _copy_guests(connection: duckdb.DuckDBPyConnection) -> None:
    platform_views = _platform_views(connection)
    if not _guests(connection, platform_views):
        return
    [(name,)] = connection.execute("select current_database()").fetchall()
    connection.execute(f"copy from database {OLD} to {quoted([name])}")
    for schema, view in platform_views:
        connection.execute(f"drop view if exists {quoted([schema])}.{quoted([view])}")
    for table in BOOKKEEPING:
        connection.execute(f"drop table if exists main.{table}")


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


def record_views(connection: duckdb.DuckDBPyConnection, views: list[str]) -> None:
    """Note which views are the platform's own: everything else in the file is somebody's."""
    names = ", ".join(f"({text(name)})" for name in views) or "('')"
    connection.execute(f"create table main.platform_views as select name from (values {names}) v(name)")


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


def _platform_views(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """The views that the platform made; in a file that does not say so, those outside of the schema main."""
    views = connection.execute(VIEWS).fetchall()
    try:
        names = {name for (name,) in connection.execute(f"select name from {OLD}.main.platform_views").fetchall()}
    except duckdb.CatalogException:
        return [(schema, view) for schema, view in views if schema != "main"]
    return [(schema, view) for schema, view in views if f"{quoted([schema])}.{quoted([view])}" in names]


def _guests(connection: duckdb.DuckDBPyConnection, platform_views: list[tuple[str, str]]) -> int:
    """Count what in the old file is not the platform's."""
    rows = ", ".join(f"({text(schema)}, {text(view)})" for schema, view in platform_views) or "('', '')"
    query = f"with ours as (select (schema_name, view_name) as platform from (values {rows}) v(schema_name, view_name))"
    return int((connection.execute(query + GUESTS).fetchone() or (0,))[0])
