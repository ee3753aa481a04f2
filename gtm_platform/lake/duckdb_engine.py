"""The embedded engine: one in-memory DuckDB per process, spoken to through Ibis. It holds no data and locks nothing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import ibis
import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from gtm_platform.keyring import NO_KEYS, Keyring, keyring
from gtm_platform.lake import spill
from gtm_platform.lake.encrypted_files import key_of, rows_of_files
from gtm_platform.lake.encryption import equip
from gtm_platform.lake.file_query import FileQuery, sql_type, text
from gtm_platform.settings import settings

VIEW_NAME = re.compile(r"\bview_[0-9a-f]{24}\b")

_start_lock = Lock()
_view_lock = Lock()
_engines: list[Backend] = []
_queries: dict[str, FileQuery] = {}
_equipped: list[Keyring] = [NO_KEYS]  # the keys that the engine has


class EngineFailed(RuntimeError):
    """An engine could not compute an expression; the message says why."""


def engine() -> Backend:
    """The one engine of this process, shared by its threads."""
    with _start_lock:
        if not _engines:
            _engines.append(_start())
    return _engines[0]


def _start() -> Backend:
    ibis.options.sql.fuse_selects = False  # DuckDB does that itself, in a fraction of the time that it takes Ibis
    backend = ibis.duckdb.connect()
    # Only our own files are ever opened, and nothing is fetched to open them. What does not fit into memory spills
    # beside the lake, not into whatever folder the process was started in.
    backend.raw_sql("set TimeZone='UTC'; set autoinstall_known_extensions=false; set autoload_known_extensions=false")
    # Parquet files read are not kept in memory beside the kernel's cache: an extraction's would grow with it.
    backend.raw_sql("set enable_external_file_cache=false")
    backend.raw_sql("set allocator_background_threads=true")  # unused memory goes back while an extraction goes on
    backend.raw_sql("set preserve_insertion_order=false")  # the rows of a table have no order
    backend.raw_sql("create macro xxhash64(text) as (hash(text) >> 1)::bigint")  # a number for a text, by Spark's name
    backend.raw_sql(f"set temp_directory = {text(str(spill.folder()))}")
    backend.raw_sql(f"set memory_limit = {text(settings().gtm_memory_limit)}")
    return backend


def cursor() -> duckdb.DuckDBPyConnection:
    """Open a connection to the engine for the calling thread alone."""
    opened: duckdb.DuckDBPyConnection = engine().con.cursor()
    if (ring := keyring()) is not _equipped[0]:
        with _start_lock:
            equip(opened)
            _equipped[0] = ring
    return opened


def files_as_table(paths: Iterable[str | Path], schema: ibis.Schema) -> ibis.Table:
    """Return the rows of some files as an expression."""
    return as_table(FileQuery(schema, tuple(map(str, paths))))


def as_table(query: FileQuery) -> ibis.Table:
    """Make a view of a query, and return it as an expression.

    Put into expressions as text, a query would be parsed and copied at every step. One thread at a time: the engine
    refuses two that make the same view.
    """
    name = query.name
    with _view_lock:
        if name not in _queries:
            with cursor() as connection:
                connection.execute(f'create or replace view "{name}" as {query.sql}')
            _queries[name] = query
    return ops.DatabaseTable(name=name, schema=query.schema, source=engine()).to_expr()


def sql_as_table(query: str, schema: ibis.Schema) -> ibis.Table:
    """Return a query over views of the engine as an expression, its columns cast to a schema."""
    columns = ", ".join(f'"{name}"::{sql_type(kind)} as "{name}"' for name, kind in schema.items())
    return ops.SQLQueryResult(f"select {columns} from ({query})", schema=schema, source=engine()).to_expr()


@dataclass(frozen=True)
class Statement:
    """A query in SQL, and the views of the engine that it reads."""

    sql: str
    views: tuple[str, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The files behind the views."""
        return [path for view in self.views if view in _queries for path in _queries[view].files]


def compiled(table: ibis.Table) -> Statement | pa.RecordBatchReader:
    """Compile an expression; compute it where it reads a memtable, which only Ibis' own connection sees."""
    if table.op().find(ops.InMemoryTable):
        return engine().to_pyarrow(table).to_reader()
    return Statement(as_typed(table), tuple(queries_in(table)))


def queries_in(table: ibis.Table) -> dict[str, FileQuery]:
    """The file queries that an expression reads, by the names of their views."""
    names = [node.name for node in table.op().find(ops.DatabaseTable)]
    for node in table.op().find(ops.SQLQueryResult):
        names += VIEW_NAME.findall(node.query)
    return {name: _queries[name] for name in dict.fromkeys(names) if name in _queries}


def table_of(view: str) -> str | None:
    """Return which table of the lake a view of the engine shows; None for a view that was made elsewhere."""
    return _queries[view].table if view in _queries else None


def paths_of(table: ibis.Table) -> list[str]:
    """The files that an expression reads."""
    return [path for query in queries_in(table).values() for path in query.files]


def as_typed(table: ibis.Table, params: Mapping[ibis.Scalar, Any] | None = None) -> str:
    """Compile an expression, its columns cast to the very types of the expression.

    To DuckDB, the sum of whole numbers is a type of its own, which Parquet does not have.
    """
    columns = ", ".join(f'"{name}"::{sql_type(kind)} as "{name}"' for name, kind in table.schema().items())
    return f"select {columns} from ({engine().compile(table, params=params)})"


def arrow_schema(path: Path) -> pa.Schema:
    """Return the columns of a file."""
    if not key_of(path):
        return pq.read_schema(path)
    with cursor() as connection:
        return connection.execute(f"select * from {rows_of_files([path])} limit 0").to_arrow_table().schema


def rows_in(query: FileQuery) -> int:
    """Count the rows of a query."""
    with cursor() as connection:
        return int((connection.execute(f"select count(*) from ({query.sql})").fetchone() or (0,))[0])


def value(expression: ibis.Scalar) -> Any:
    """Compute one value, on a connection of its own: threads sharing one get each other's results."""
    with cursor() as connection:
        return (connection.execute(engine().compile(expression)).fetchone() or (None,))[0]
