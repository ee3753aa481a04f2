"""`gtm query`: SQL over the catalogue, read-only; its tables, and what their columns mean.

How rows are printed stands in `printing`; what the views are, in `lake.catalogue`.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import duckdb

from gtm_platform.cli import command_log
from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.lake import catalogue
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.file_query import text
from gtm_platform.lake.store import is_here, listed_once
from gtm_platform.settings import settings

TABLES = """
select schema_name, view_name, column_count, comment
from duckdb_views() where not internal and schema_name not in ('current', 'latest') order by all
"""
COLUMNS = """
select column_name, data_type, coalesce(comment, '') from duckdb_columns()
where not internal and schema_name = ? and table_name = ? order by column_index
"""
NAMES = "select schema_name || '.' || view_name from duckdb_views() where not internal order by all"
PERSON = "customer_id"
QUESTIONS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
QUARANTINE = "quarantine"  # its tables are listed where they hold something
HINT = (
    "Also: latest.<table> is the newest day of a daily table, current.<source>_<stream> the newest version of each "
    "record. `gtm query --describe latest.unified_customers` says what its columns mean."
)


def run_query(sql: str, style: str | None, *, other_files: bool = False) -> None:
    """Print what a query returns; it reads the lake and nothing else, unless other files are allowed."""
    with _catalogue(_named_in(sql)) as connection:
        _refuse_writing(connection, sql)
        if not other_files:
            _confine(connection, the_lake().root)
        rows = _rows(connection, sql)
        command_log.about(_people_in(rows), tables=_tables_of(connection, sql), rows=len(rows.values))
    command_log.write()  # before anything is shown
    print_rows(rows, style)


def list_tables(style: str | None) -> None:
    """Print every table with its size and description."""
    with _catalogue() as connection:
        tables = connection.execute(TABLES).fetchall()
        counts = [
            connection.execute(f'select count(*) from "{schema}"."{name}"').fetchone() for schema, name, *_ in tables
        ]
    listed = [
        (f"{schema}.{name}", count[0], columns, about)
        for (schema, name, columns, about), count in zip(tables, counts, strict=True)
        if count and (count[0] or schema != QUARANTINE)
    ]
    print_rows(Rows(["table", "rows", "columns", "description"], listed), style or "table")
    click.secho(HINT, dim=True, err=True)


def describe(table: str, style: str | None) -> None:
    """Print the columns of a table: name, type, meaning."""
    schema, _, name = table.replace("/", ".").partition(".")
    with _catalogue() as connection:
        columns = connection.execute(COLUMNS, [schema, name]).fetchall()
        names = [row[0] for row in connection.execute(NAMES).fetchall()]
    if not columns:
        raise LookupError(f"There is no table {table!r}.{_suggestion(schema, name, names)} `gtm query` lists them all.")
    print_rows(Rows(["column", "type", "meaning"], columns), style or "table")


def _suggestion(schema: str, name: str, names: list[str]) -> str:
    """Tables of that name in other schemas, or those of the schema."""
    similar = [each for each in names if each.partition(".")[2] == (name or schema)]
    similar = similar or [each for each in names if each.startswith(f"{schema}.")]
    return f" There is {', '.join(similar[:10])}." if similar else ""


@contextmanager
def _catalogue(names: Collection[str] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The catalogue of the home, renewed first where it is missing or lists files that are no longer the lake's.

    Of a lake in a bucket only the views of these names are, with the tables that they are of: each file is fetched.
    """
    lake = the_lake()
    target = catalogue.path_of(lake)
    with listed_once():
        tables = None if names is None else catalogue.tables_named(lake, names)
        if (lake.root.is_dir() or lake.tables()) and catalogue.is_stale(lake, tables):
            click.secho(f"Renewing the views in {target.name} …", dim=True, err=True)
            import gtm_platform.definitions  # noqa: F401  declares the tables

            catalogue.renew(lake, tables)
        if not is_here():
            catalogue.make_ready(lake, tables)
    _refuse_missing(target)
    with catalogue.reading(target) as connection:
        yield connection


def _named_in(sql: str) -> list[str] | None:
    """Return the views that a query names, of a lake in a bucket: only those are fetched; None for all of them."""
    if is_here():
        return None
    with duckdb.connect() as connection:
        try:
            return sorted(connection.get_table_names(sql, qualified=True))
        except duckdb.ParserException:  # the query itself says so
            return []
        except duckdb.Error:  # some joins cannot be told without their tables
            return None


def _refuse_writing(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse what is more than a question: COPY would write files although the catalogue is open for reading only."""
    try:
        kinds = {statement.type for statement in connection.extract_statements(sql)}
    except duckdb.Error as error:
        raise RuntimeError(str(error)) from None
    if wrong := sorted(kind.name for kind in kinds - QUESTIONS):
        raise RuntimeError(f"gtm query works in read-only mode, and takes no {', '.join(wrong)}: ask with SELECT.")


def _confine(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let a query read files of the lake alone, reach no network, and change none of that."""
    connection.execute(f"set allowed_directories = [{text(str(folder))}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _people_in(rows: Rows) -> list[str]:
    """Return the customers whose ids are among what is shown; where they are not, the tables say who may be."""
    if PERSON not in rows.columns:
        return []
    place = rows.columns.index(PERSON)
    return [row[place] for row in rows.values if isinstance(row[place], str)]


def _tables_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """Return the tables that a query reads; the query itself may name persons."""
    try:
        return sorted(connection.get_table_names(sql, qualified=True))
    except duckdb.Error:
        return []


def _refuse_missing(target: Path) -> None:
    if not target.exists():
        raise RuntimeError(
            f"There is no {target} yet: nothing has been synced in the home {settings().home}. "
            "Begin with `gtm demo`, or `gtm ui`; or choose another home with --home."
        )


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    try:
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description or []]
        values: list[tuple[Any, ...]] = cursor.fetchall()
    except duckdb.Error as error:
        raise RuntimeError(str(error)) from None
    return Rows(names, values)
