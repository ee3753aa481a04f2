"""Where landed tables lie: a DuckDB file, a folder of Parquet files, or a Postgres database. All are read with DuckDB.

A Postgres database needs DuckDB's extension for it, which comes with the extra `postgres`: nothing is ever fetched.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from gtm_platform.http.errors import BadRequest, Unavailable
from gtm_platform.http.redaction import excerpt
from gtm_platform.lake import spill
from gtm_platform.lake.file_query import text
from gtm_platform.lake.postgres_extension import ExtensionMissing, load_postgres
from gtm_platform.sources.landed.scope import Columns

MEMORY_LIMIT = "1GB"  # beside the engine of the lake; what needs more goes to the disk
POSTGRES = ("postgres://", "postgresql://")
NONE: Columns = {}


@dataclass(frozen=True)
class LandedTables:
    """The tables of one schema; `name` is what people call it."""

    name: str
    connection: duckdb.DuckDBPyConnection
    catalogue: str
    schema: str
    tables: dict[str, Columns]

    def first_landed(self, names: Sequence[str]) -> str | None:
        """Return the first of the tables that was landed."""
        return next((name for name in names if name in self.tables), None)

    def columns(self, table: str) -> Columns:
        """Return the columns of a table."""
        return self.tables.get(table, NONE)

    def address(self, table: str) -> str:
        """Return a table as a query names it."""
        return f'"{self.catalogue}"."{self.schema}"."{table}"'


@contextmanager
def open_tables(place: str, schema: str, system: str, variable: str) -> Iterator[LandedTables]:
    """Open the schema of a system for reading; `variable` holds the place."""
    room = spill.folder() / "landed"
    room.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "set TimeZone='UTC'; set autoinstall_known_extensions=false; set autoload_known_extensions=false;"
            f"set memory_limit={text(MEMORY_LIMIT)}; set temp_directory={text(str(room))};"
            "set preserve_insertion_order=false; set enable_external_file_cache=false"
        )
        try:
            catalogue, schema_there = _attach(connection, place, schema, system, variable)
            tables = _tables(connection, catalogue, schema_there)
        except duckdb.Error as error:
            raise Unavailable(system, f"What {variable} names cannot be opened: {_reason(error, place)}") from None
        if not tables:
            message = f"{variable} leads to no tables of {system} in the schema {schema}: see docs/landed-tables.md."
            raise BadRequest(system, message)
        yield LandedTables(schema, connection, catalogue, schema_there, tables)


def _attach(
    connection: duckdb.DuckDBPyConnection, place: str, schema: str, system: str, variable: str
) -> tuple[str, str]:
    """Make the tables known to the connection, and return their catalogue and schema."""
    if place.startswith(POSTGRES):
        _load_postgres(connection, system)
        connection.execute(f"attach {text(place)} as landed (type postgres, read_only)")
        return "landed", schema
    path = Path(place).expanduser()
    if path.is_dir():
        _add_views(connection, path / schema if (path / schema).is_dir() else path)
        return "memory", "main"
    if not path.is_file():
        raise BadRequest(system, f"{variable} names neither a DuckDB file, nor a folder, nor a postgresql:// address.")
    connection.execute(f"attach {text(str(path))} as landed (read_only)")
    return "landed", schema


def _load_postgres(connection: duckdb.DuckDBPyConnection, system: str) -> None:
    try:
        load_postgres(connection)
    except ExtensionMissing as error:
        raise BadRequest(system, str(error)) from None


def _add_views(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make a view of each file, and of each folder with files."""
    for path in sorted(folder.iterdir()):
        files = path / "**" / "*.parquet" if path.is_dir() else path
        if path.suffix == ".parquet" or (path.is_dir() and any(path.rglob("*.parquet"))):
            source = f"read_parquet({text(str(files))}, union_by_name=true)"
            connection.execute(f'create view "{path.stem.lower()}" as select * from {source}')


def _tables(connection: duckdb.DuckDBPyConnection, catalogue: str, schema: str) -> dict[str, Columns]:
    """The columns of each table: names in lower case, as warehouses differ in that, and compare without case."""
    where = f"database_name = {text(catalogue)} and lower(schema_name) = {text(schema.lower())}"
    columns = connection.execute(f"select table_name, column_name, data_type from duckdb_columns() where {where}")
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in columns.fetchall():
        tables.setdefault(table.lower(), {})[column.lower()] = kind
    return dict(tables)


def _reason(error: Exception, place: str) -> str:
    return excerpt(str(error).replace(place, "…").splitlines()[0])
