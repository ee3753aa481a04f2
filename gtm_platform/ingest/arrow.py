"""From a class of records to Arrow: the columns it makes, and pages of records turned into batches of them.

What a contract adds to the columns, such as meaning and key, stands in `source`.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel, TypeAdapter

from gtm_platform.ingest.record import Record

# The order matters: a bool is an int, a datetime a date, an Enum often a str.
PLAIN: tuple[tuple[type, pa.DataType], ...] = (
    (bool, pa.bool_()),
    (Enum, pa.string()),
    (str, pa.string()),
    (int, pa.int64()),
    (float, pa.float64()),
    (Decimal, pa.decimal128(24, 6)),
    (datetime, pa.timestamp("us", "UTC")),
    (date, pa.date32()),
)


@dataclass(frozen=True)
class Column:
    """One column of a table, as a field of a record makes it."""

    name: str
    arrow: pa.DataType
    nullable: bool
    about: str
    personal: bool


@cache
def fields(record: type[Record]) -> Mapping[str, Column]:
    """Return the columns that the fields of a record make, by name."""
    return types.MappingProxyType({name: _column(record, name) for name in record.model_fields})


def arrow_schema(record: type[Record]) -> pa.Schema:
    """Return the schema of a record's columns."""
    return pa.schema([pa.field(column.name, column.arrow, column.nullable) for column in fields(record).values()])


def batch(
    schema: pa.Schema, record_cls: type[Record], good: Sequence[Record], extra: Mapping[str, Any]
) -> pa.RecordBatch:
    """Turn records into columns in the schema's order.

    `extra` columns are an array each, or one value for all rows. A column that nothing fills is a ValueError.
    """
    columns = {**_arrays(record_cls, good), **extra}
    if lacking := set(schema.names) - set(columns):
        raise ValueError(
            f"The column '{min(lacking)}' is neither a field of {record_cls.__name__} nor given beside it."
        )
    return pa.RecordBatch.from_arrays([_array(columns[f.name], f.type, len(good)) for f in schema], schema=schema)


def _array(content: Any, kind: pa.DataType, rows: int) -> pa.Array:
    return content if isinstance(content, pa.Array) else pa.repeat(pa.scalar(content, kind), rows)


def _arrays(record: type[Record], good: Sequence[Record]) -> dict[str, pa.Array]:
    """One for each field. All of them are made at once, which is cheaper than one after the other."""
    rows = _plain(record)(good)
    try:
        made = pa.array(rows, _struct(record))
    except (pa.ArrowInvalid, OverflowError):
        raise ValueError(_misfit(record, rows)) from None
    return dict(zip(record.model_fields, made.flatten(), strict=True))


@cache
def _struct(record: type[Record]) -> pa.StructType:
    return pa.struct(arrow_schema(record))


@cache
def _plain(record: type[Record]) -> Callable[[Sequence[Record]], list[dict[str, Any]]]:
    """How to take what records hold: as it is, or in plain values where they hold records of their own."""
    if not any(map(_holds_records, arrow_schema(record).types)):
        return lambda good: list(map(vars, good))
    listed: Any = types.GenericAlias(list, (record,))
    plain: TypeAdapter[Any] = TypeAdapter(listed)
    return lambda good: plain.dump_python(list(good))


def _holds_records(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind.value_type if pa.types.is_list(kind) else kind))


def _misfit(record: type[Record], rows: Sequence[Mapping[str, Any]]) -> str:
    """Which field's values do not become a column, without telling them."""
    for field in arrow_schema(record):
        try:
            pa.array([row[field.name] for row in rows], field.type)
        except (pa.ArrowInvalid, OverflowError):
            what = f"{record.__name__}.{field.name} holds a value that does not fit into {field.type}."
            return f"{what} Declare it as Whole, Amount or Instant, which set such records aside."
    return f"{record.__name__} holds values that do not become columns."


def _column(record: type[BaseModel], name: str) -> Column:
    info = record.model_fields[name]
    try:
        arrow, nullable = _arrow(info.annotation)
    except TypeError as error:
        raise TypeError(f"{record.__name__}.{name}: {error}") from None
    marks = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    return Column(name, arrow, nullable, info.description or "", bool(marks.get("personal")))


def _arrow(annotation: Any) -> tuple[pa.DataType, bool]:
    """The Arrow type of an annotation, and whether it may be null."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _arrow(args[0])
    if origin in (Union, types.UnionType):
        present = [arg for arg in args if arg is not type(None)]
        if len(present) == 1:
            arrow, nullable = _arrow(present[0])
            return arrow, nullable or len(present) < len(args)
    if origin is Literal:
        return _arrow(type(args[0]))
    if origin in (list, tuple) and args:
        return pa.list_(_field("item", args[0])), False
    return _arrow_of_class(annotation), False


def _arrow_of_class(annotation: Any) -> pa.DataType:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        columns = [_column(annotation, name) for name in annotation.model_fields]
        return pa.struct([pa.field(column.name, column.arrow, column.nullable) for column in columns])
    for plain, arrow in PLAIN:
        if isinstance(annotation, type) and issubclass(annotation, plain):
            return arrow
    raise TypeError(f"{annotation} has no column type. Use a plain type, a list, or a nested Record.")


def _field(name: str, annotation: Any) -> pa.Field:
    arrow, nullable = _arrow(annotation)
    return pa.field(name, arrow, nullable)
