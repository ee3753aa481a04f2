"""Tables as a lander keeps them: a file of Parquet for each, brought up to date by every sync.

A row that came as it was keeps the stamp of the sync that wrote it; one that came no more is marked as deleted, or is
gone, as the lander does it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
FOREVER = datetime(9999, 12, 31, 23, 59, 59, 999000, UTC)


@dataclass(frozen=True)
class LandedTable:
    """A table as one sync lands it, and the columns that tell its rows apart."""

    name: str
    rows: Sequence[Row]
    key: tuple[str, ...] = ("id",)
    deleted: str | None = None  # the column that marks what came no more
    history: bool = False  # versions of rows are kept


@dataclass(frozen=True)
class Marks:
    """What a lander adds to each row that it writes."""

    synced: str
    constant: Mapping[str, Any]
    updated: str | None = None  # of records with a time of creation: when they changed, as Unix seconds

    def written(self, row: Row, at: datetime, *, is_new: bool) -> Row:
        """Return the row as it is written at a moment."""
        changed = {}
        if self.updated and "created" in row:
            changed = {self.updated: row["created"] if is_new else int(at.timestamp()) - 1}
        return {**row, **changed, **self.constant, self.synced: at}


HISTORY = ("_fivetran_active", "_fivetran_start", "_fivetran_end")


def land(folder: Path, tables: Sequence[LandedTable], marks: Marks, at: datetime) -> dict[str, int]:
    """Bring the tables of a folder up to date; the rows that were written, by table."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for table in tables:
        path = folder / f"{table.name}.parquet"
        before = pq.read_table(path).to_pylist() if path.exists() else []
        rows = _updated(table, before, marks, at)
        written[table.name] = sum(row[marks.synced] == at for row in rows)
        _write(path, rows)
    return written


def _updated(table: LandedTable, before: Sequence[Row], marks: Marks, at: datetime) -> list[Row]:
    old = {_key(table, row): row for row in before if row.get(HISTORY[0], True)}
    past = [row for row in before if not row.get(HISTORY[0], True)]
    rows = []
    for row in table.rows:
        earlier = old.pop(_key(table, row), None)
        flagged = {**row, **({table.deleted: False} if table.deleted else {})}
        fresh = _begun(table, marks.written(flagged, at, is_new=earlier is None), at)
        if earlier is not None and _content(earlier, marks) == _content(fresh, marks):
            rows.append(earlier)
            continue
        rows.append(fresh)
        if earlier is not None and table.history:
            past.append(_ended(earlier, marks, at))
    for gone in old.values():
        if table.deleted:
            rows.append(gone if gone[table.deleted] else {**gone, table.deleted: True, marks.synced: at})
        elif table.history:
            past.append(_ended(gone, marks, at))
    return [*rows, *past]


def _begun(table: LandedTable, row: Row, at: datetime) -> Row:
    return {**row, **dict(zip(HISTORY, (True, at, FOREVER), strict=True))} if table.history else row


def _ended(row: Row, marks: Marks, at: datetime) -> Row:
    return {**row, HISTORY[0]: False, HISTORY[2]: at, marks.synced: at}


def _key(table: LandedTable, row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in table.key)


def _content(row: Row, marks: Marks) -> Row:
    """The row without marks, and without what it does not hold, as files differ in that."""
    ours = {marks.synced, marks.updated, *marks.constant, *HISTORY}
    return {name: value for name, value in row.items() if name not in ours and value is not None}


def _write(path: Path, rows: Sequence[Row]) -> None:
    """A column that holds nothing yet is one of texts."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    if columns:
        pq.write_table(pa.table(columns), path)


def _column(values: list[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.array(values, pa.string())
    if kinds == {datetime}:
        return pa.array(values, pa.timestamp("us", "UTC"))
    if kinds <= {int, float} and len(kinds) > 1:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if len(kinds) > 1 or kinds & {Decimal}:
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array(values)


def as_json(value: Any) -> str | None:
    """An object or a list as a text; null stays null."""
    return None if value is None else json.dumps(value, separators=(",", ":"))


def at_second(moment: int | None) -> datetime | None:
    """Unix seconds as a time."""
    return None if moment is None else datetime.fromtimestamp(moment, UTC)
