"""From a class of records to Arrow: the columns it makes, and pages of records turned into batches of them."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel, TypeAdapter

from gtm_platform.connect.records import Record

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
    name: str
    arrow: pa.DataType
    nullable: bool
    about: str
    personal: bool


@cache
def fields(record: type[Record]) -> Mapping[str, Column]:
    return types.MappingProxyType({name: _column(record, name) for name in record.model_fields})


def arrow_schema(record: type[Record]) -> pa.Schema:
    return pa.schema([pa.field(column.name, column.arrow, column.nullable) for column in fields(record).values()])


def batch(
    schema: pa.Schema, record_cls: type[Record], good: Sequence[Record], extra: Mapping[str, Any]
) -> pa.RecordBatch:
    """Records as columns, with the `extra` ones (an array each, or one value for all rows), in the schema's order."""
    return pa.RecordBatch.from_arrays([_array(field, record_cls, good, extra) for field in schema], schema=schema)


def _array(field: pa.Field, record: type[Record], good: Sequence[Record], extra: Mapping[str, Any]) -> pa.Array:
    if field.name in extra:
        given = extra[field.name]
        return given if isinstance(given, pa.Array) else pa.repeat(pa.scalar(given, field.type), len(good))
    if field.name not in record.model_fields:
        raise ValueError(f"The column '{field.name}' is neither a field of {record.__name__} nor given beside it.")
    try:
        return pa.array(_values(record, field.name)(good), field.type)
    except (pa.ArrowInvalid, OverflowError):
        what = f"{record.__name__}.{field.name} holds a value that does not fit into {field.type}."
        raise ValueError(f"{what} Declare it as Whole, Amount or Instant, which set such records aside.") from None


@cache
def _values(record: type[Record], name: str) -> Callable[[Sequence[Record]], list[Any]]:
    """How to take one column out of records: the attribute, dumped to plain values where it is nested."""
    take = attrgetter(name)
    if not pa.types.is_nested(fields(record)[name].arrow):
        return lambda good: list(map(take, good))
    listed: Any = types.GenericAlias(list, (record.model_fields[name].annotation,))
    plain: TypeAdapter[Any] = TypeAdapter(listed)
    return lambda good: plain.dump_python(list(map(take, good)))


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
    for known, arrow in PLAIN:
        if isinstance(annotation, type) and issubclass(annotation, known):
            return arrow
    raise TypeError(f"{annotation} has no column type. Use a plain type, a list, or a nested Record.")


def _field(name: str, annotation: Any) -> pa.Field:
    arrow, nullable = _arrow(annotation)
    return pa.field(name, arrow, nullable)
