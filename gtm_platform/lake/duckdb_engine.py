"""The embedded engine: one in-memory DuckDB per process, spoken to through Ibis. It holds no data and locks nothing."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType

from gtm_platform.lake import spill
from gtm_platform.settings import settings

_starting = Lock()
_naming = Lock()
_engines: list[Backend] = []
_readings: dict[str, "FileQuery"] = {}


class EngineFailed(RuntimeError):
    """An engine could not compute what it was asked to; the message says why."""


@dataclass(frozen=True)
class FileQuery:
    """What is asked of the rows of some files, in SQL that can be told to every engine; `{rows}` stands for the rows,
    in the columns of the schema, and `{base}` for those of other files, which the question tells apart. Columns that
    old files lack are null, no file is no rows."""

    schema: ibis.Schema
    paths: tuple[str, ...] = ()
    template: str = "select * from {rows}"
    base: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.base, *self.paths)

    @cached_property
    def sql(self) -> str:
        """As the embedded engine understands it."""
        return self.template.format(rows=self._rows(self.paths), base=self._rows(self.base))

    def _rows(self, paths: tuple[str, ...]) -> str:
        columns = ", ".join(f'null::{_type(kind)} as "{name}"' for name, kind in self.schema.items())
        files = f" union all by name select * from read_parquet({list(paths)}, union_by_name=true)" if paths else ""
        return f"(select {quoted(self.schema)} from ((select {columns} limit 0){files}))"

    @cached_property
    def name(self) -> str:
        return "view_" + hashlib.sha256(self.sql.encode()).hexdigest()[:24]


@cache
def _type(kind: dt.DataType) -> str:
    """What DuckDB calls it; kept, as Ibis takes its time to say so and a table has dozens of columns."""
    return str(DuckDBType.to_string(kind))


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def engine() -> Backend:
    """The one engine of this process, also for threads that ask for it at once."""
    with _starting:
        if not _engines:
            _engines.append(_started())
    return _engines[0]


def _started() -> Backend:
    ibis.options.sql.fuse_selects = False  # DuckDB does that itself, in a fraction of the time that it takes Ibis
    backend = ibis.duckdb.connect()
    # Only our own files are ever opened, and nothing is fetched to open them. What does not fit into memory spills
    # beside the lake, not into whatever folder the process was started in.
    backend.raw_sql("set TimeZone='UTC'; set autoinstall_known_extensions=false; set autoload_known_extensions=false")
    # Parquet files read are not kept in memory beside the kernel's cache: a sweep's would grow with it.
    backend.raw_sql("set enable_external_file_cache=false")
    backend.raw_sql("set allocator_background_threads=true")  # memory no longer used goes back while a sweep goes on
    backend.raw_sql("set preserve_insertion_order=false")  # the rows of a table have no order
    backend.raw_sql("create macro xxhash64(text) as (hash(text) >> 1)::bigint")  # a number for a text, by Spark's name
    # As texts: for a query with parameters, pandas is imported, which takes a third of a second.
    backend.raw_sql(f"set temp_directory = {_text(str(spill.folder()))}")
    backend.raw_sql(f"set memory_limit = {_text(settings().gtm_memory_limit)}")
    return backend


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def cursor() -> duckdb.DuckDBPyConnection:
    """A connection of its own onto the engine, for the thread that asks."""
    opened: duckdb.DuckDBPyConnection = engine().con.cursor()
    return opened


def files_as_table(paths: Iterable[str | Path], schema: ibis.Schema) -> ibis.Table:
    return as_table(FileQuery(schema, tuple(map(str, paths))))


def as_table(reading: FileQuery) -> ibis.Table:
    """A view of the engine. Put into expressions as text, a query would be parsed and copied at every step. One thread
    at a time: the engine refuses two that make the same."""
    name = reading.name
    with _naming:
        if name not in _readings:
            with cursor() as connection:
                connection.execute(f'create or replace view "{name}" as {reading.sql}')
            _readings[name] = reading
    return ops.DatabaseTable(name=name, schema=reading.schema, source=engine()).to_expr()


def read_by(table: ibis.Table) -> dict[str, FileQuery]:
    """The readings that an expression is made of, by the names that they have in it."""
    names = dict.fromkeys(found.name for found in table.op().find(ops.DatabaseTable))
    return {name: _readings[name] for name in names if name in _readings}


def paths_of(table: ibis.Table) -> list[str]:
    """The files that an expression reads."""
    return [path for reading in read_by(table).values() for path in reading.files]


def as_typed(table: ibis.Table) -> str:
    """The query of an expression, its columns of the very types that the expression says: to DuckDB, the sum of whole
    numbers is a type of its own, which Parquet does not have."""
    columns = ", ".join(f'"{name}"::{_type(kind)} as "{name}"' for name, kind in table.schema().items())
    return f"select {columns} from ({engine().compile(table)})"


def value(expression: ibis.Scalar) -> Any:
    """One value, asked for on a connection of its own: threads that share the engine's get each other's results."""
    with cursor() as connection:
        return (connection.execute(engine().compile(expression)).fetchone() or (None,))[0]
