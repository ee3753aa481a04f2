"""The columns of a table as they are published: its contract's, without what the policy leaves out.

Each warehouse says by `TypeNames` what it calls a type; what it has no type for is published as JSON text.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.datatypes as dt

from gtm_platform.lake.contracts import Contract
from gtm_platform.lake.file_query import quoted
from gtm_platform.policy.publish import PublishedSchema

DAY_COLUMN = "as_of"  # by which every published table is partitioned
DAY_ABOUT = "The day whose rows these are."
NANOSECONDS = 9


class CannotPublish(RuntimeError):
    """A table cannot be published as it is; the message says why, and what to do."""


@dataclass(frozen=True)
class PublishedColumn:
    """A column as every warehouse gets it."""

    name: str
    kind: dt.DataType
    about: str
    is_required: bool = False  # the day, and the columns of the key
    is_promised: bool = False  # by the contract: it is never null
    is_personal: bool = False


@dataclass(frozen=True)
class TypeNames:
    """What a warehouse calls the types, in the words in which it says what a table has."""

    text: str
    whole: str
    number: str
    boolean: str
    date: str
    instant: str
    json: str
    decimal: str = "numeric({precision},{scale})"
    array: str | None = None  # of what; None where it has no lists that it reads from Parquet

    def of(self, kind: dt.DataType) -> str:
        """Return the name of a type."""
        if is_nested(kind) or (kind.is_array() and self.array is None):
            return self.json
        if isinstance(kind, dt.Array):
            return str(self.array).format(self.of(kind.value_type))
        if isinstance(kind, dt.Decimal):
            return self.decimal.format(precision=kind.precision or 38, scale=kind.scale or 0)
        return str(getattr(self, _word(kind)))

    def read(self, column: PublishedColumn) -> str:
        """Return how the column is read from the lake's file, in DuckDB's words."""
        name = f'"{column.name}"'
        if is_nested(column.kind) or (column.kind.is_array() and self.array is None):
            return f"case when {name} is not null then to_json({name})::varchar end as {name}"
        return f"{name}::{_duckdb_type(column.kind)} as {name}"


def is_nested(kind: dt.DataType) -> bool:
    """Whether values have members, or are lists of such."""
    inner = kind.value_type if isinstance(kind, dt.Array) else kind
    return bool(inner.is_struct() or inner.is_map() or inner.is_json() or inner.is_array())


def _word(kind: dt.DataType) -> str:
    words = {
        "text": kind.is_string() or kind.is_uuid(),
        "whole": kind.is_integer(),
        "number": kind.is_floating(),
        "boolean": kind.is_boolean(),
        "date": kind.is_date(),
        "instant": kind.is_timestamp(),
    }
    return next((word for word, fits in words.items() if fits), "")


def _duckdb_type(kind: dt.DataType) -> str:
    if isinstance(kind, dt.Array):
        return f"{_duckdb_type(kind.value_type)}[]"
    if isinstance(kind, dt.Decimal):
        return f"decimal({kind.precision or 38}, {kind.scale or 0})"
    names = {"text": "varchar", "whole": "bigint", "number": "double", "instant": "timestamptz"}
    return names.get(_word(kind), _word(kind))


def published_columns(table: str, contract: Contract, schema: PublishedSchema) -> tuple[PublishedColumn, ...]:
    """Return the columns of a table that a schema gets, the day first."""
    _refuse_wrong_personal(table, contract, schema)
    named = {
        name: column for name, column in contract.columns.items() if not column.personal or schema.allows(table, name)
    }
    if unfit := [name for name in named if not _fits(contract.schema[name])]:
        raise CannotPublish(f"{table}.{unfit[0]} is {contract.schema[unfit[0]]}, which no warehouse has a type for.")
    day = named.pop(DAY_COLUMN, None)
    if day and not contract.schema[DAY_COLUMN].is_date():
        raise CannotPublish(f"{table}.{DAY_COLUMN} is no date: a published table is partitioned by it. Rename it.")
    columns = [PublishedColumn(DAY_COLUMN, dt.date, day.about if day else DAY_ABOUT, True, True)]
    for name, column in named.items():
        is_key = name in contract.key
        columns.append(
            PublishedColumn(
                name, contract.schema[name], column.about, is_key, is_key or not column.nullable, column.personal
            )
        )
    return tuple(columns)


def _refuse_wrong_personal(table: str, contract: Contract, schema: PublishedSchema) -> None:
    for entry in schema.personal:
        of, _, name = entry.partition(".")
        if of == table and name != "*" and not (name in contract.columns and contract.columns[name].personal):
            raise CannotPublish(f"personal names {entry} for {schema.name}, which is no personal column of {table}.")


def _fits(kind: dt.DataType) -> bool:
    inner = kind.value_type if isinstance(kind, dt.Array) else kind
    return bool(is_nested(kind) or inner.is_decimal() or _word(inner))


def published_key(contract: Contract, columns: tuple[PublishedColumn, ...]) -> tuple[str, ...]:
    """Return the key with the day; none where a personal column of it is left out."""
    names = {column.name for column in columns}
    key = [name for name in contract.key if name != DAY_COLUMN]
    return (*key, DAY_COLUMN) if names.issuperset(key) else ()


def shape_of(types: Mapping[str, str], withheld: str = "") -> str:
    """Return a digest of columns and of what experiments withhold; with another the day is due again."""
    return hashlib.sha256(repr((sorted(types.items()), withheld)).encode()).hexdigest()[:16]


def projection(columns: tuple[PublishedColumn, ...], names: TypeNames, rows: str, day: str, has_day: bool) -> str:
    """Return the query for a day's rows as a warehouse gets them; `has_day`: they say which it is."""
    first = quoted([DAY_COLUMN]) if has_day else f"date '{day}' as {DAY_COLUMN}"
    return f"select {', '.join([first, *(names.read(column) for column in columns[1:])])} from ({rows})"
