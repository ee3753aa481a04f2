"""Tables for tests: rows of a declared table from what matters about them, everything else by default; and what a mart
makes of them, checked against its contract as the lake would.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import engine

Row = Mapping[str, Any]
DAY = date(2026, 11, 20)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def days_ago(days: float, day: date = DAY) -> datetime:
    """Noon of the day so many days before."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(days=days)


def given(table: str, *rows: Row) -> ibis.Table:
    """The declared table with these rows."""
    contract = contract_of(table)
    needed = {name: _least(contract.schema[name]) for name, c in contract.columns.items() if not c.nullable}
    return rows_as_table(contract.schema, rows, needed)


def rows_as_table(schema: ibis.Schema, rows: Sequence[Row], defaults: Row = MappingProxyType({})) -> ibis.Table:
    unknown = {name for row in rows for name in row} - set(schema)
    assert not unknown, f"no such column: {unknown}"
    filled = [{name: row.get(name, defaults.get(name)) for name in schema} for row in rows]
    return _registered(pa.Table.from_pylist(filled, schema=schema.to_pyarrow()), schema)


def made(rule: Callable[..., ibis.Table], table: str, **needs: Any) -> ibis.Table:
    """What the mart comes to, once it has been held against its contract."""
    contract = contract_of(table)
    result = _registered(engine().to_pyarrow(contract.shaped(rule(**needs))), contract.schema)
    found = engine().to_pyarrow(result.aggregate(**contract.measures(result))).to_pylist()[0]
    broken = {name: count for name, count in found.items() if name.startswith("broken") and count}
    assert not broken, f"{table}: {broken}"
    return result


def rows_of(table: ibis.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine().to_pyarrow(table).to_pylist()
    return found


def by(key: str, table: ibis.Table) -> dict[Any, dict[str, Any]]:
    return {row[key]: row for row in rows_of(table)}


def _registered(rows: pa.Table, schema: ibis.Schema) -> ibis.Table:
    name = ibis.util.gen_name("rows")
    engine().con.register(name, rows)
    return engine().sql(f"select * from {name}", schema=schema, dialect="duckdb")


def _least(kind: dt.DataType) -> Any:
    """The value that says least."""
    if kind.is_array():
        return []
    if kind.is_timestamp():
        return LONG_AGO
    if kind.is_date():
        return LONG_AGO.date()
    if kind.is_boolean():
        return False
    return Decimal(0) if kind.is_decimal() else 0 if kind.is_numeric() else "?"
