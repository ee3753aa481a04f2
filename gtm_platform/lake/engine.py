"""The embedded engine: one in-memory DuckDB per process, spoken to through Ibis. It holds no data and locks nothing."""

import hashlib
import re
from collections.abc import Iterable
from threading import Lock
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType

from gtm_platform.settings import settings

_starting = Lock()
_engines: list[Backend] = []
_views: dict[str, str] = {}
_VIEW = re.compile(r"\bview_[0-9a-f]{24}\b")


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
    opened: duckdb.DuckDBPyConnection = engine().con.cursor()
    return opened


def query_of_files(paths: list[str], schema: ibis.Schema) -> str:
    """The rows of the files in the columns of the schema; columns that old files lack are null, no file is no rows."""
    columns = ", ".join(f'null::{DuckDBType.to_string(kind)} as "{name}"' for name, kind in schema.items())
    rows = f" union all by name select * from read_parquet({paths}, union_by_name=true)" if paths else ""
    return f"select {quoted(schema)} from ((select {columns} limit 0){rows})"


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def files_as_table(paths: list[str], schema: ibis.Schema) -> ibis.Table:
    return query_as_table(query_of_files(paths, schema), schema)


def query_as_table(query: str, schema: ibis.Schema) -> ibis.Table:
    """A view of the engine. Put into expressions as text, a query would be parsed and copied at every step."""
    name = "view_" + hashlib.sha256(query.encode()).hexdigest()[:24]
    if name not in _views:
        with cursor() as connection:
            connection.execute(f'create or replace view "{name}" as {query}')
        _views[name] = query
    return ops.DatabaseTable(name=name, schema=schema, source=engine()).to_expr()


def read_by(table: ibis.Table) -> str:
    """The queries of the views that an expression reads."""
    return "\n".join(_views[name] for name in dict.fromkeys(_VIEW.findall(engine().compile(table))))


def value(expression: ibis.Scalar) -> Any:
    """One value, asked for on a connection of its own: threads that share the engine's get each other's results."""
    with cursor() as connection:
        return (connection.execute(engine().compile(expression)).fetchone() or (None,))[0]
