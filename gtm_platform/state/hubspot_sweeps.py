"""How far the comparison of a day's objects with HubSpot is, and what it counted: what a later run goes on from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

import sqlalchemy as sa

from gtm_platform.state.schema import hubspot_sweeps as table

Counts = Mapping[str, Mapping[str, int]]  # by property, by what became of its values


@dataclass
class TruthSweep:
    """The comparison of all objects of a type on a day; without `finished_at` it goes on after `cursor`."""

    day: str
    object_type: str
    started_at: datetime
    updated_at: datetime
    cursor: str = ""
    objects: int = 0
    calls: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    broken_objects: int = 0
    finished_at: datetime | None = None

    def add(self, name: str, what: str, number: int = 1) -> None:
        """Count values of a property."""
        of_property = self.counts.setdefault(name, {})
        of_property[what] = of_property.get(what, 0) + number


def sweep_of(tx: sa.Connection, day: str, object_type: str, at: datetime) -> TruthSweep:
    """Return the sweep of a day as far as it is, or one that begins now."""
    query = sa.select(table).where(table.c.day == day, table.c.object_type == object_type)
    row = tx.execute(query).mappings().one_or_none()
    return _sweep(row) if row else TruthSweep(day, object_type, at, at)


def sweeps(tx: sa.Connection, day: str | None = None) -> list[TruthSweep]:
    """Return the sweeps of a day or of all days, the newest day first."""
    query = sa.select(table).order_by(table.c.day.desc(), table.c.object_type)
    if day is not None:
        query = query.where(table.c.day == day)
    return [_sweep(row) for row in tx.execute(query).mappings()]


def keep(tx: sa.Connection, sweep: TruthSweep) -> None:
    """Keep how far a sweep is."""
    row = {each.name: getattr(sweep, each.name) for each in fields(TruthSweep)}
    tx.execute(sa.delete(table).where(table.c.day == sweep.day, table.c.object_type == sweep.object_type))
    tx.execute(sa.insert(table).values(row))


def begin_anew(tx: sa.Connection, day: str, object_type: str, late: str) -> None:
    """Let a sweep that counted `late` values begin anew, as they came since; its calls count on."""
    query = sa.select(table).where(table.c.day == day, table.c.object_type == object_type)
    row = tx.execute(query).mappings().one_or_none()
    if row and any(counts.get(late) for counts in row["counts"].values()):
        keep(tx, TruthSweep(day, object_type, row["started_at"], row["updated_at"], calls=row["calls"]))


def calls_since(tx: sa.Connection, since: datetime) -> int:
    """Count the calls of the sweeps that went on since a moment: what a day's share is measured by."""
    return tx.scalar(sa.select(sa.func.sum(table.c.calls)).where(table.c.updated_at >= since)) or 0


def _sweep(row: sa.RowMapping) -> TruthSweep:
    return TruthSweep(**{each.name: row[each.name] for each in fields(TruthSweep)})
