"""Everything that was written into a folder, as texts to search: also what databases and columns hold."""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


def occurrences(traces: Iterable[tuple[str, str]], needles: Iterable[str]) -> list[tuple[str, str]]:
    """Which of the needles lies where; of several places that hold the same text, the first."""
    everywhere: dict[str, str] = {}
    for place, text in traces:
        everywhere.setdefault(text, place)
    return sorted({(place, needle) for needle in needles for text, place in everywhere.items() if needle in text})


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        place, content = path.relative_to(folder).as_posix(), path.read_bytes()
        yield place, content.decode("utf-8", "replace")
        if content.startswith(b"SQLite format 3"):  # long values lie there in pieces
            yield from ((f"{place}: {table}", _text(cell)) for table, cell in _cells(path))
        elif content.startswith(b"PAR1"):
            yield from ((place, str(row)) for row in pq.ParquetFile(path).read().to_pylist())


def _cells(path: Path) -> Iterator[tuple[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f'select * from "{table}"'):
                yield from ((table, cell) for cell in row)


def _text(cell: Any) -> str:
    """Dagster keeps its snapshots packed."""
    if not isinstance(cell, bytes):
        return str(cell)
    try:
        return zlib.decompress(cell).decode("utf-8", "replace")
    except zlib.error:
        return cell.decode("utf-8", "replace")
