"""The embedded engine: one in-memory DuckDB per process, spoken to through Ibis. It holds no data, so it locks nothing."""

from threading import Lock
from typing import Any

import duckdb
import ibis
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType

from gtm_platform.settings import settings


_starting = Lock()
_engines: list[Backend] = []


def engine() -> Backend:
    """The one engine of this process, also for threads that ask for it at once."""
    with _starting:
        if not _engines:
            _engines.append(_started())
    return _engines[0]


def _started() -> Backend:
    backend = ibis.duckdb.connect()
    # Only our own files are ever opened, and nothing is fetched to open them. What does not fit into memory spills
    # beside the lake, not into whatever folder the process was started in.
    backend.raw_sql("set TimeZone='UTC'; set autoinstall_known_extensions=false; set autoload_known_extensions=false")
    backend.con.execute("set temp_directory = ?", [str(settings().home / "spill")])
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


def value(expression: ibis.Scalar) -> Any:
    """One value, asked for on a connection of its own: threads that share the engine's get each other's results."""
    connection = cursor()
    try:
        return (connection.execute(engine().compile(expression)).fetchone() or (None,))[0]
    finally:
        connection.close()
