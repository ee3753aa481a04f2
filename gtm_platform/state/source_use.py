"""What the runs of each day took of each system: runs, calls, records read, and time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gtm_platform.state.schema import source_use

_INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class SourceUse:
    """What was taken of a system on a day."""

    day: str
    system: str
    runs: int
    calls: int
    records: int
    milliseconds: int


def add(tx: sa.Connection, system: str, at: datetime, calls: int, records: int, milliseconds: int) -> None:
    """Add a run to its day; runs side by side lose nothing of each other."""
    columns, insert = source_use.c, _INSERTS[tx.dialect.name](source_use)
    counted = ("runs", "calls", "records", "milliseconds")
    added = insert.on_conflict_do_update(
        index_elements=["day", "system"], set_={name: columns[name] + insert.excluded[name] for name in counted}
    )
    row = {"day": str(at.date()), "system": system, "runs": 1, "calls": calls, "records": records}
    tx.execute(added, {**row, "milliseconds": milliseconds})


def use_since(tx: sa.Connection, first: date) -> list[SourceUse]:
    """Return what was taken from a day on, by day and system."""
    query = sa.select(source_use).where(source_use.c.day >= str(first)).order_by(source_use.c.day, source_use.c.system)
    return [SourceUse(**row) for row in tx.execute(query).mappings()]
