"""Rows as a CSV file that a spreadsheet opens as data: text that would be read as a formula is marked as text."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gtm_platform.ingest.files.spreadsheet import guarded


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the file, as Excel and LibreOffice expect it: UTF-8 with a mark, lines that end with CR LF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    """Return what is written: numbers stay numbers, lists are joined, text is guarded."""
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return guarded(value)
