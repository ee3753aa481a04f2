"""Rows of the lake's daily tables, as facts show them: dates as text, amounts in major units."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.expressions.money import minor_units
from gtm_platform.serving.snapshot.landing import Landing


def rows_of_day(landing: Landing, table: str, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query over a table on the day that is shown; `rows` in it is the table."""
    read = landing.lake.query_day(table, landing.day)
    with cursor() as connection, landing.lake.naming_damage(lambda: list(read.files)):
        result = connection.execute(f"with rows as ({read.sql}) {query}")
        names = [column[0] for column in result.description or []]
        return [_shown(dict(zip(names, row, strict=True))) for row in result.fetchall()]


def in_major_units(landing: Landing, rows: Sequence[dict[str, Any]], amounts: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows with these columns, which are in minor units, in major units of the reporting currency."""
    units = minor_units(landing.rules.money.reporting_currency)
    return [
        {name: value / units if name in amounts and value is not None else value for name, value in row.items()}
        for row in rows
    ]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
