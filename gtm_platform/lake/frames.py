"""Rows that are no expression: pandas and Arrow tables, made into batches of a contract's columns and types.

What is computed by the engine needs none of this; see `Contract.shaped` for expressions.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import ibis
import pyarrow as pa
import pyarrow.types as kinds

from gtm_platform.lake.contracts import Contract, ContractBroken
from gtm_platform.lake.duckdb_engine import Statement

if TYPE_CHECKING:
    import pandas as pd

Frame: TypeAlias = "pa.RecordBatchReader | pa.Table | pa.RecordBatch | pd.DataFrame"
Rows: TypeAlias = "ibis.Table | Statement | Frame | Path"

WIDEST = 38  # digits of a decimal, by way of which whole numbers become decimals of fewer


def is_frame(rows: object) -> bool:
    """Whether rows are a pandas or an Arrow table, or a stream of Arrow batches."""
    return isinstance(rows, pa.RecordBatchReader | pa.Table | pa.RecordBatch) or _is_pandas(rows)


def as_batches(rows: "Frame", contract: Contract) -> pa.RecordBatchReader:
    """Return a frame's rows in a contract's columns and types; raise naming the column that cannot fit.

    Casts lose nothing: whole numbers become decimals, floats are rounded to the decimals of the column, times without a
    zone are UTC. A text becomes no number, and a decimal loses no digits.
    """
    schema = contract.schema.to_pyarrow()
    if _is_pandas(rows):
        contract.check_columns(list(rows.columns), _hint(rows))
        return _from_pandas(rows, schema).to_reader()
    if isinstance(rows, pa.RecordBatch):
        rows = pa.Table.from_batches([rows])
    contract.check_columns(rows.schema.names)
    if rows.schema.names == schema.names and rows.schema.types == schema.types:
        return rows.to_reader() if isinstance(rows, pa.Table) else rows
    reader = rows.to_reader() if isinstance(rows, pa.Table) else rows
    return pa.RecordBatchReader.from_batches(schema, _cast_batches(reader, schema))


def _is_pandas(rows: object) -> bool:
    """Whether rows are a pandas frame; where pandas is not imported they cannot be."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(rows, pandas.DataFrame)


def _hint(frame: "pd.DataFrame") -> str:
    index = [str(name) for name in frame.index.names if name is not None]
    return f" ({', '.join(index)} is the frame's index: reset_index() makes it a column)" if index else ""


def _from_pandas(frame: "pd.DataFrame", schema: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays([_from_series(frame[field.name], field) for field in schema], schema=schema)


def _from_series(series: "pd.Series[Any]", field: pa.Field) -> pa.Array:
    """A column of pandas; what it calls NaN or NaT is null."""
    try:
        values = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ContractBroken(
            f"column {field.name} holds values of several types ({type(error).__name__}); "
            f"the contract says {field.type}"
        ) from error
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return _cast(values, field)


def _cast_batches(reader: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        yield pa.RecordBatch.from_arrays([_cast(batch.column(field.name), field) for field in schema], schema=schema)


def _cast(values: pa.Array, field: pa.Field) -> pa.Array:
    if values.type == field.type:
        return values
    if not _fits(values.type, field.type):
        raise ContractBroken(f"column {field.name} is {values.type}, the contract says {field.type}")
    try:
        if kinds.is_decimal(field.type) and kinds.is_integer(values.type):
            values = values.cast(pa.decimal128(WIDEST, field.type.scale))
        return values.cast(field.type, safe=True)
    except pa.ArrowInvalid as error:
        raise ContractBroken(
            f"column {field.name} is {values.type}, and values of it do not fit into {field.type} of the contract "
            f"without loss: round or cast it in the rule"
        ) from error


def _fits(values: pa.DataType, column: pa.DataType) -> bool:
    """Whether values of one type may be a column of another, as long as each of them fits."""
    if kinds.is_null(values):
        return True
    if kinds.is_dictionary(values):
        return _fits(values.value_type, column)
    if _is_list(values) and _is_list(column):
        return _fits(values.value_type, column.value_type)
    if kinds.is_struct(values) and kinds.is_struct(column):
        fields = {field.name: field.type for field in values}
        return all(field.name in fields and _fits(fields[field.name], field.type) for field in column)
    return any(_is_any(values, family) and _is_any(column, family) for family in FAMILIES)


FAMILIES = (
    (kinds.is_integer, kinds.is_floating, kinds.is_decimal),
    (kinds.is_string, kinds.is_large_string, kinds.is_string_view),
    (kinds.is_binary, kinds.is_large_binary),
    (kinds.is_timestamp, kinds.is_date),
    (kinds.is_boolean,),
    (kinds.is_time,),
)


def _is_any(kind: pa.DataType, family: tuple[Any, ...]) -> bool:
    return any(matches(kind) for matches in family)


def _is_list(kind: pa.DataType) -> bool:
    return bool(kinds.is_list(kind) or kinds.is_large_list(kind))
