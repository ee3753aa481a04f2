"""A query over Parquet files as a value: which files, in which columns, asked in SQL that every engine understands.

What runs it belongs into an engine's module; which files a table consists of, into `lake`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

import ibis
import ibis.expr.datatypes as dt
from ibis.backends.sql.datatypes import DuckDBType

from gtm_platform.lake.encrypted_files import plain_name, rows_of_files


@dataclass(frozen=True)
class FileQuery:
    """A query over the rows of some files, as a template in SQL.

    `{rows}` stands for the rows of `paths`, in the columns of the schema, and `{base}` for those of other files.
    Columns that old files lack are null, no file is no rows. `table` names the table of the lake whose files they are.
    """

    schema: ibis.Schema
    paths: tuple[str, ...] = ()
    template: str = "select * from {rows}"
    base: tuple[str, ...] = ()
    table: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that the query reads."""
        return (*self.base, *self.paths)

    @cached_property
    def sql(self) -> str:
        """The query in DuckDB's words."""
        return self.template.format(rows=self._rows(self.paths), base=self._rows(self.base))

    @property
    def rows_of(self) -> tuple[object, ...]:
        """All that its rows follow from, whichever keys the files are encrypted with."""
        return [(name, str(kind)) for name, kind in self.schema.items()], *self.text_and_files

    @property
    def text_and_files(self) -> tuple[object, ...]:
        """What is asked of which files, whichever keys encrypt them, and in however many parts they lie."""
        return self.template, _plain_names(self.base), _plain_names(self.paths)

    @cached_property
    def name(self) -> str:
        """A name that no other query has."""
        return "view_" + hashlib.sha256(f"{self.table} {self.sql}".encode()).hexdigest()[:24]

    def _rows(self, paths: tuple[str, ...]) -> str:
        columns = ", ".join(f'null::{sql_type(kind)} as "{name}"' for name, kind in self.schema.items())
        files = f" union all by name select * from {rows_of_files(paths, by_name=True)}" if paths else ""
        return f"(select {quoted(self.schema)} from ((select {columns} limit 0){files}))"


def _plain_names(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(plain_name, paths)))


@cache
def sql_type(kind: dt.DataType) -> str:
    """DuckDB's name of a type; cached, as Ibis takes its time and a table has dozens of columns."""
    return str(DuckDBType.to_string(kind))


def quoted(names: Iterable[str]) -> str:
    """Column names for a query."""
    return ", ".join(f'"{name}"' for name in names)


def text(value: str) -> str:
    """Return a text constant. A query with parameters imports pandas, which takes a third of a second."""
    return "'" + value.replace("'", "''") + "'"
