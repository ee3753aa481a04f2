"""The journal of what was done for customers in other systems: once for each time that a customer was at risk.

A row begins as `intent` before the call and ends as `done`, `refused` or `undone`. It is open until the customer is at
risk no more, so that an action that a person took back is not done again meanwhile.
"""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.audit import note_outside
from gtm_platform.state.schema import actions as table

INTENT, DONE, REFUSED, UNDONE = "intent", "done", "refused", "undone"


@dataclass(frozen=True)
class NewDeed:
    """What is to be done for whom; `ours` says that it is not there yet."""

    rule: str
    does: str
    subject_id: str
    target_id: str
    reference: str
    run_id: str
    day: str
    ours: bool = True


@dataclass(frozen=True)
class Deed(NewDeed):
    """A row of the journal."""

    id: int = 0
    status: str = INTENT
    external_id: str | None = None
    reason: str | None = None
    at: datetime | None = None
    settled_at: datetime | None = None
    over_at: datetime | None = None


def intend(tx: sa.Connection, deed: NewDeed, at: datetime) -> Deed:
    """Journal that something is about to be done."""
    result = tx.execute(sa.insert(table), {**asdict(deed), "status": INTENT, "at": at})
    assert result.inserted_primary_key is not None
    return Deed(**asdict(deed), id=int(result.inserted_primary_key[0]), at=at)


def done(tx: sa.Connection, id: int, external_id: str, at: datetime) -> None:
    """Note that it is there."""
    _change(tx, id, status=DONE, external_id=external_id, settled_at=at)
    _note(tx, id, "action.done", at)


def refused(tx: sa.Connection, id: int, reason: str, at: datetime) -> None:
    """Note that the other system does not do it; the next run may ask again."""
    _change(tx, id, status=REFUSED, reason=reason, settled_at=at, over_at=at)


def undone(tx: sa.Connection, id: int, reason: str, at: datetime) -> None:
    """Note that it was taken back, which holds as long as the customer is at risk."""
    _change(tx, id, status=UNDONE, reason=reason, settled_at=at)
    _note(tx, id, "action.undone", at)


def over(tx: sa.Connection, id: int, at: datetime) -> None:
    """Note that the customer is at risk no more."""
    _change(tx, id, over_at=at)


def open_deeds(tx: sa.Connection, rule: str) -> list[Deed]:
    """Return what is open of a rule, the oldest first."""
    return _deeds(tx, (table.c.rule == rule) & table.c.over_at.is_(None))


def deeds_of_run(tx: sa.Connection, run_id: str) -> list[Deed]:
    """Return what runs did whose id begins so, as far as it stands."""
    return _deeds(tx, table.c.run_id.startswith(run_id, autoescape=True) & (table.c.status == DONE))


def newest(tx: sa.Connection, limit: int) -> list[Deed]:
    """Return the newest rows, the newest first."""
    rows = tx.execute(sa.select(table).order_by(table.c.id.desc()).limit(limit)).mappings()
    return [_deed(row) for row in rows]


def deeds_since(tx: sa.Connection, day: str) -> list[Deed]:
    """Return what was to be done on the days from one on, or ended on one of them, the oldest first."""
    begun = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    return _deeds(tx, (table.c.day >= day) | (table.c.over_at >= begun))


def standing(tx: sa.Connection) -> dict[str, int]:
    """Count by rule what was done and is not over."""
    these = (table.c.status == DONE) & table.c.over_at.is_(None)
    query = sa.select(table.c.rule, sa.func.count()).where(these).group_by(table.c.rule)
    return {row[0]: row[1] for row in tx.execute(query)}


def _deeds(tx: sa.Connection, these: sa.ColumnElement[bool]) -> list[Deed]:
    return [_deed(row) for row in tx.execute(sa.select(table).where(these).order_by(table.c.id)).mappings()]


def _deed(row: sa.RowMapping) -> Deed:
    return Deed(**{each.name: row[each.name] for each in fields(Deed)})


def _note(tx: sa.Connection, id: int, action: str, at: datetime) -> None:
    [deed] = _deeds(tx, table.c.id == id)
    detail = {"rule": deed.rule, "does": deed.does, "target": deed.target_id, "run": deed.run_id}
    note_outside(tx, at, action, deed.reference, [deed.subject_id], **detail)


def _change(tx: sa.Connection, id: int, **changes: Any) -> None:
    tx.execute(sa.update(table).where(table.c.id == id).values(changes))
