"""`gtm query`: SQL over the catalogue, read-only."""

import csv
import json
import sys
from typing import Any

import click
import duckdb

from gtm_platform.lake.catalogue import reading
from gtm_platform.settings import settings

WIDEST = 48  # characters of a cell in a table


def ask(sql: str, shape: str) -> None:
    path = settings().home / "gtm.duckdb"
    if not path.exists():
        raise RuntimeError(f"There is no {path} yet: nothing has been synced. Begin with `gtm demo`, or `gtm ui`.")
    with reading(path) as connection:
        try:
            cursor = connection.execute(sql)
            columns, rows = [column[0] for column in cursor.description or []], cursor.fetchall()
        except duckdb.Error as error:
            raise RuntimeError(str(error)) from None
    {"table": _table, "json": _json, "csv": _csv}[shape](columns, rows)


def _table(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    shown = [["" if value is None else str(value)[:WIDEST] for value in row] for row in rows]
    widths = [max(len(cell) for cell in cells) for cells in zip(columns, *shown, strict=True)]
    click.secho("  ".join(name.ljust(width) for name, width in zip(columns, widths, strict=True)), bold=True)
    for row in shown:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.secho(f"{len(rows)} rows", dim=True, err=True)


def _json(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str, indent=2))


def _csv(columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows([_safe(value) for value in row] for row in rows)


def _safe(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula is shown as the text it is."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
