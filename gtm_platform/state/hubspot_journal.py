"""The journal of fields written to HubSpot. An intent is kept before a call is made, its receipt after the answer:
what has an intent and no receipt may or may not have arrived, and is looked up before it is written again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from gtm_platform.state.schema import hubspot_writes as journal

Outcome = Literal["written", "unchanged", "held", "rejected", "unknown"]
Value = tuple[str, str]  # object id, property

AGREED = ("written", "unchanged")  # HubSpot held the value at that moment, and it was ours
OPEN = ("intent", "unknown")


@dataclass(frozen=True)
class Write:
    """One field of one record: what HubSpot held, and what it is to hold."""

    run_id: str
    day: str
    object_type: str
    object_id: str
    customer_id: str
    property: str
    before: str
    after: str
    provenance: str
    trace_id: str


@dataclass(frozen=True)
class Journaled(Write):
    id: int
    status: str
    reason: str | None


@dataclass
class FieldState:
    """What we know of one field: the value last agreed on, and values sent since without a receipt, by row id."""

    agreed: str | None = None
    agreed_by: str | None = None  # the run
    open: dict[int, str] = field(default_factory=dict)


def intend(tx: sa.Connection, writes: Sequence[Write], at: datetime) -> list[int]:
    return _add(tx, [{**asdict(write), "status": "intent", "at": at} for write in writes])


def conclude(tx: sa.Connection, writes: Sequence[tuple[Write, str]], outcome: Outcome, at: datetime) -> None:
    """Journals fields that needed no call, each with its reason: there already, or not to be written."""
    told = {"status": outcome, "at": at, "receipt_at": at}
    _add(tx, [{**asdict(write), "reason": reason, **told} for write, reason in writes])


def receive(tx: sa.Connection, ids: Collection[int], outcome: Outcome, at: datetime, reason: str | None = None) -> None:
    """The receipt for intents."""
    receipt = sa.update(journal).where(journal.c.id.in_(ids)).values(status=outcome, reason=reason, receipt_at=at)
    tx.execute(receipt)


def field_states(tx: sa.Connection, object_type: str, object_ids: Collection[str]) -> dict[Value, FieldState]:
    """What is known of the fields of these records, for those of which anything is known."""
    these = (journal.c.object_type == object_type) & journal.c.object_id.in_(object_ids)
    newest = (
        sa.select(sa.func.max(journal.c.id)).where(these, journal.c.status.in_(AGREED)).group_by(*_value())
    ).scalar_subquery()
    known = these & (journal.c.id.in_(newest) | journal.c.status.in_(OPEN))
    found: dict[Value, FieldState] = {}
    for row in tx.execute(sa.select(journal).where(known).order_by(journal.c.id)):
        value = (row.object_id, row.property)
        if row.status in AGREED:
            found[value] = FieldState(row.after, row.run_id)
        else:
            found.setdefault(value, FieldState()).open[row.id] = row.after
    return found


def newest(tx: sa.Connection, object_type: str, properties: Sequence[str]) -> dict[str, dict[str, str]]:
    """The values of these properties last agreed on, by record, "" where there was none; no values for a record of
    which any field is in doubt, or was held or rejected last."""
    last = sa.select(sa.func.max(journal.c.id)).where(journal.c.object_type == object_type).group_by(*_value())
    values = [sa.func.max(sa.case((journal.c.property == name, journal.c.after), else_="")) for name in properties]
    doubts = sa.func.max(sa.case((journal.c.status.in_(AGREED), 0), else_=1))
    found = sa.select(journal.c.object_id, doubts, *values).where(journal.c.id.in_(last)).group_by(journal.c.object_id)
    rows = tx.execute(found).all()
    return {id: {} if doubt else dict(zip(properties, told, strict=True)) for id, doubt, *told in rows}


def of_run(tx: sa.Connection, run_id: str, outcome: str) -> list[Journaled]:
    """The fields of a run that had the outcome, in the order in which they were journaled."""
    rows = sa.select(journal).where(journal.c.run_id == run_id, journal.c.status == outcome).order_by(journal.c.id)
    names = [each.name for each in fields(Journaled)]
    return [Journaled(**{name: row[name] for name in names}) for row in tx.execute(rows).mappings()]


def runs_beginning_with(tx: sa.Connection, run_id: str) -> list[str]:
    """Return the ids of the runs that wrote something and whose id begins so, the latest first."""
    begins = journal.c.run_id.startswith(run_id, autoescape=True)
    runs = sa.select(journal.c.run_id).where(begins, journal.c.status == "written").group_by(journal.c.run_id)
    return list(tx.scalars(runs.order_by(sa.func.max(journal.c.id).desc())))


def _add(tx: sa.Connection, rows: Sequence[Mapping[str, object]]) -> list[int]:
    if not rows:
        return []
    return list(tx.scalars(sa.insert(journal).returning(journal.c.id, sort_by_parameter_order=True), rows))


def _value() -> tuple[sa.Column[str], sa.Column[str]]:
    return journal.c.object_id, journal.c.property
