"""Tables for tests: rows of a declared table from what matters about them, everything else by default; and what a mart
makes of them, checked against its contract as the lake would.
"""

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from inspect import signature
from types import MappingProxyType
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.identity import person_records
from gtm_platform.lake.contracts import Contract, contract_of
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.statements import is_reusable, statement_of

Row = Mapping[str, Any]
DAY = date(2026, 11, 20)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def days_ago(days: float, day: date = DAY) -> datetime:
    """Noon of the day so many days before."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - timedelta(days=days)


def filled(table: str, *rows: Row) -> ibis.Table:
    """Return the declared table with these rows."""
    contract = contract_of(table)
    defaults = {name: _default(contract.schema[name]) for name, c in contract.columns.items() if not c.nullable}
    return rows_as_table(contract.schema, rows, defaults)


def person_tables(**rows: Sequence[Row]) -> dict[str, ibis.Table]:
    """Return the table of people of every source; one for which there are no rows is empty."""
    assert rows.keys() <= person_records.TABLES.keys()
    return {source: filled(table, *rows.get(source, ())) for source, table in person_records.TABLES.items()}


def rows_as_table(schema: ibis.Schema, rows: Sequence[Row], defaults: Row = MappingProxyType({})) -> ibis.Table:
    """Return a table of the schema with these rows; what a row does not say is a default, or null."""
    unknown = {name for row in rows for name in row} - set(schema)
    assert not unknown, f"no such column: {unknown}"
    complete = [{name: row.get(name, defaults.get(name)) for name in schema} for row in rows]
    return _registered(pa.Table.from_pylist(complete, schema=schema.to_pyarrow()), schema)


def computed(rule: Callable[..., ibis.Table], table: str, **inputs: Any) -> ibis.Table:
    """Return what the rule of a table comes to, checked against the table's contract."""
    contract = contract_of(table)
    result = _registered(
        _rows(rule, contract, {name: _as_view(value) for name, value in inputs.items()}), contract.schema
    )
    [measures] = engine().con.sql(contract.measured(result.get_name())).to_arrow_table().to_pylist()
    broken = {name: count for name, count in measures.items() if name.startswith("broken") and count}
    assert not broken, f"{table}: {broken}"
    return result


def _rows(rule: Callable[..., ibis.Table], contract: Contract, inputs: Mapping[str, Any]) -> pa.Table:
    """Compute a rule by the query that is kept of it, as a day does; without one where it reads rows of Python."""
    eager = getattr(getattr(sys.modules[rule.__module__], "TABLE", None), "eager", False)
    every = signature(rule).bind(**inputs)
    every.apply_defaults()
    if is_reusable(rule) and not (eager(every.arguments) if callable(eager) else eager):
        return engine().con.sql(statement_of(rule, inputs, contract.shaped).query.sql).to_arrow_table()
    return engine().to_pyarrow(contract.shaped(rule(**inputs)))


def _as_view(value: Any) -> Any:
    """Return an input as a rule gets it of the lake: a table is a view of the engine."""
    if isinstance(value, Mapping):
        return {name: _as_view(inner) for name, inner in value.items()}
    if not isinstance(value, ibis.Table) or isinstance(value.op(), ops.DatabaseTable):
        return value
    return _registered(engine().to_pyarrow(value), value.schema())


def rows_of(table: ibis.Table) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    rows: list[dict[str, Any]] = engine().to_pyarrow(table).to_pylist()
    return rows


def by(key: str, table: ibis.Table) -> dict[Any, dict[str, Any]]:
    """Return the rows of a table by a column of them."""
    return {row[key]: row for row in rows_of(table)}


def _registered(rows: pa.Table, schema: ibis.Schema) -> ibis.Table:
    name = f"view_{secrets.token_hex(12)}"
    engine().con.register(name, rows)
    return ops.DatabaseTable(name=name, schema=schema, source=engine()).to_expr()


def _default(kind: dt.DataType) -> Any:
    """Return the value that says least."""
    if kind.is_array():
        return []
    if kind.is_timestamp():
        return LONG_AGO
    if kind.is_date():
        return LONG_AGO.date()
    if kind.is_boolean():
        return False
    return Decimal(0) if kind.is_decimal() else 0 if kind.is_numeric() else "?"
