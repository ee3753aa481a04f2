"""What the catalogue notes of its own views: of which table each is, and what it was made of.

Everything else in the file is a person's. The note is a table of the file itself, so it is never apart from the views.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb

from gtm_platform.lake.file_query import text

NOTE = "main.platform_views"
COLUMNS = ("name", "of_table", "files", "contract")


@dataclass(frozen=True)
class Made:
    """The views of a table, and what they were made of: its files, and what its contract says."""

    files: str
    contract: str
    views: tuple[str, ...] = field(default=(), compare=False)


def read(connection: duckdb.DuckDBPyConnection) -> dict[str, Made] | None:
    """Return what is noted of each table; None where the file has no such note."""
    try:
        rows = connection.execute(f"select {', '.join(COLUMNS)} from {NOTE} order by all").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    views: dict[tuple[str, str, str], list[str]] = {}
    for name, *made_of in rows:
        views.setdefault(tuple(made_of), []).append(name)
    return {table: Made(files, contract, tuple(names)) for (table, files, contract), names in views.items()}


def write(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Made]) -> None:
    """Note which views are the platform's own."""
    connection.execute(f"create or replace table {NOTE}({', '.join(f'{name} varchar' for name in COLUMNS)})")
    rows = [(view, table, made.files, made.contract) for table, made in sorted(tables.items()) for view in made.views]
    if rows:  # one statement: many with parameters take longer than making the views
        values = (f"({', '.join(map(text, row))})" for row in rows)
        connection.execute(f"insert into {NOTE} values {', '.join(values)}")


def drop_views(connection: duckdb.DuckDBPyConnection, views: Iterable[str]) -> None:
    """Drop views that were noted; a person may have dropped some."""
    for view in views:
        connection.execute(f"drop view if exists {view}")


def drop_unnoted(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the platform's views from a file whose note is missing, or of an older form."""
    try:
        names = [name for (name,) in connection.execute(f"select name from {NOTE}").fetchall()]
    except duckdb.CatalogException:
        views = "select schema_name, view_name from duckdb_views() where not internal and schema_name != 'main'"
        names = [f'"{schema}"."{view}"' for schema, view in connection.execute(views).fetchall()]
    drop_views(connection, names)
    connection.execute(f"drop table if exists main.listing; drop table if exists {NOTE}")
