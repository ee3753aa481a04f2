"""Columns of a contract as JSON, made by the engine: what is sent later is made once, and nothing is parsed again."""

from collections.abc import Mapping

import ibis.expr.datatypes as dt

from gtm_platform.lake.contracts import Column
from gtm_platform.lake.file_query import text

INSTANT = "%Y-%m-%dT%H:%M:%SZ"  # the engine's own form of an instant is not that of RFC 3339


def document(columns: Mapping[str, Column], source: str) -> str:
    """Return an expression for one JSON object of these columns."""
    return f"to_json({{{fields(columns, source)}}})::varchar" if columns else "'{}'"


def fields(columns: Mapping[str, Column], source: str) -> str:
    """Return the fields of such an object, to be put together with others."""
    return ", ".join(f"{text(name)}: {value(name, column, source)}" for name, column in columns.items())


def value(name: str, column: Column, source: str) -> str:
    """Return an expression for the value of one column, in a type that is the same in JSON."""
    kind, at = dt.dtype(column.type), f'{source}."{name}"'
    if kind.is_timestamp():
        return f"strftime({at}, {text(INSTANT)})"
    if kind.is_floating():
        return f"case when isfinite({at}) then {at} end"
    return at


def shown_to_all(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns that everybody may see who may see customers."""
    return {name: column for name, column in columns.items() if not column.personal}


def personal(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns that are for those who may see personal data."""
    return {name: column for name, column in columns.items() if column.personal}
