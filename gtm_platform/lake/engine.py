"""The embedded engine: one in-memory DuckDB per process, spoken to through Ibis. It holds no data, so it locks nothing."""

from functools import cache

import duckdb
import ibis
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType


@cache
def engine() -> Backend:
    backend: Backend = ibis.duckdb.connect()
    # Only our own files are ever opened, and nothing is fetched to open them.
    backend.raw_sql("set TimeZone='UTC'; set autoinstall_known_extensions=false; set autoload_known_extensions=false")
    return backend


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection of its own onto the engine, for the thread that asks."""
    return engine().con.cursor()


def files_as_table(paths: list[str], schema: ibis.Schema) -> ibis.Table:
    """The rows of the files in the columns of the schema; columns that old files lack are null, no file is no rows."""
    columns = ", ".join(f'null::{DuckDBType.to_string(kind)} as "{name}"' for name, kind in schema.items())
    rows = f" union all by name select * from read_parquet({paths}, union_by_name=true)" if paths else ""
    names = ", ".join(f'"{name}"' for name in schema)
    return engine().sql(f"select {names} from (select {columns} limit 0{rows})", schema=schema, dialect="duckdb")
