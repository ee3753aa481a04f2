"""Rows on a terminal, or for programs: as a table, one value to a line, as JSON, as CSV."""

import csv
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from gtm_platform.ingest.files.spreadsheet import guarded

MAX_CELL = 48  # characters of a cell in a table; the last column takes what is left of the line
GAP = "  "


@dataclass(frozen=True)
class Rows:
    """What a query returns."""

    columns: Sequence[str]
    values: Sequence[tuple[Any, ...]]


def print_rows(rows: Rows, style: str | None) -> None:
    """Print rows in a style; without one, as a table if a row fits the terminal, else a value per line."""
    STYLES[style or _fitting_style(rows)](rows)


def terminal_width() -> int | None:
    """Return the characters of a line; None where nobody looks at a terminal."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return None


def _fitting_style(rows: Rows) -> str:
    width = terminal_width()
    return "table" if width is None or _table_width(rows) <= width else "vertical"


def _table_width(rows: Rows) -> int:
    widths = _widths(rows.columns, [_cells(row) for row in rows.values])
    return sum(widths) + len(GAP) * max(0, len(widths) - 1)


def print_table(rows: Rows) -> None:
    """Print rows as a table, without how many they are."""
    cells = [_cells(row, _last_width(rows)) for row in rows.values]
    widths = _widths(rows.columns, cells)
    click.secho(_line(rows.columns, widths), bold=True)
    for row in cells:
        click.echo(_line(row, widths))


def _table(rows: Rows) -> None:
    print_table(rows)
    _count(rows)


def _last_width(rows: Rows) -> int:
    """How much of the last column is shown: as much as the terminal has room for, all of it where there is none."""
    width = terminal_width()
    if width is None:
        return sys.maxsize
    preceding = _widths(rows.columns[:-1], [_cells(row[:-1]) for row in rows.values])
    return max(MAX_CELL // 2, width - sum(preceding) - len(GAP) * len(preceding))


def _cells(row: Sequence[Any], last_width: int = MAX_CELL) -> list[str]:
    texts = ["" if value is None else " ".join(str(value).split()) for value in row]
    return [_cut(text, MAX_CELL if n < len(texts) - 1 else last_width) for n, text in enumerate(texts)]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(cell) for cell in column) for column in zip(columns, *cells, strict=True)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _vertical(rows: Rows) -> None:
    """Each row as a block: a line for each column, its value whole."""
    width = max((len(name) for name in rows.columns), default=0)
    for number, row in enumerate(rows.values, start=1):
        click.secho(f"--- row {number} ---", bold=True)
        for name, value in zip(rows.columns, row, strict=True):
            click.echo(f"{name.ljust(width)}{GAP}{'' if value is None else value}".rstrip())
    _count(rows)


def _json(rows: Rows) -> None:
    records = [dict(zip(rows.columns, row, strict=True)) for row in rows.values]
    click.echo(json.dumps(records, default=str, indent=2))


def _csv(rows: Rows) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(map(guarded, rows.columns))
    writer.writerows([guarded(value) for value in row] for row in rows.values)


def _count(rows: Rows) -> None:
    number = len(rows.values)
    click.secho(f"{number} row{'' if number == 1 else 's'}", dim=True, err=True)


STYLES: Mapping[str, Callable[[Rows], None]] = {"table": _table, "vertical": _vertical, "json": _json, "csv": _csv}
