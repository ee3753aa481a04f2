"""The journal of fields written to HubSpot. An intent is kept before a call is made, its receipt after the answer:
what has an intent and no receipt may or may not have arrived, and is looked up before it is written again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from gtm_platform.state.hubspot_confirmed import CONFIRMED, note_outcomes, of_value
from gtm_platform.state.schema import ASSOCIATED
from gtm_platform.state.schema import hubspot_writes as journal

Outcome = Literal["written", "unchanged", "held", "rejected", "unknown"]
Value = tuple[str, str]  # object id, property

PENDING = ("intent", "unknown")
REFUSED = "refused"  # the cause of what HubSpot refused


@dataclass(frozen=True)
class Write:
    """One field of one record: what HubSpot held, and what it is to hold."""

    run_id: str
    day: str
    object_type: str
    object_id: str
    customer_id: str  # of our record, whatever kind it is
    property: str
    before: str
    after: str
    provenance: str
    trace_id: str
    cause: str | None = field(default=None, kw_only=True)  # why it is not written, or who changed ours before
    author: str | None = field(default=None, kw_only=True)  # of the value before, as HubSpot names it
    author_at: datetime | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Journaled(Write):
    """A write as the journal keeps it."""

    id: int
    status: str
    reason: str | None


@dataclass
class FieldState:
    """What is known of one field: the value last confirmed, and those sent since without a receipt.

    `pending` is by row id. `withheld` are the values that were held since, each with the first day on which it was
    wanted; where the newest row of all holds one, `withheld_last` is what HubSpot had then, and that value.
    """

    confirmed: str | None = None
    confirmed_by: str | None = None  # the run
    pending: dict[int, str] = field(default_factory=dict)
    withheld: dict[str, str] = field(default_factory=dict)
    withheld_last: tuple[str, str] | None = None


def intend(tx: sa.Connection, writes: Sequence[Write], at: datetime) -> list[int]:
    """Keep what is about to be written; return the rows' ids in the same order."""
    return _add(tx, [{**vars(write), "status": "intent", "at": at} for write in writes])


def conclude(tx: sa.Connection, writes: Sequence[tuple[Write, str]], outcome: Outcome, at: datetime) -> None:
    """Keep fields that needed no call, each with its reason: the same already, or not to be written."""
    receipt = {"status": outcome, "at": at, "receipt_at": at}
    _add(tx, [{**vars(write), "reason": reason, **receipt} for write, reason in writes])


def receive(tx: sa.Connection, ids: Collection[int], outcome: Outcome, at: datetime, reason: str | None = None) -> None:
    """Keep the receipt for intents; what HubSpot refused has that for its cause."""
    changes: dict[str, object] = {"status": outcome, "reason": reason, "receipt_at": at}
    if outcome == "rejected":
        changes["cause"] = REFUSED
    tx.execute(sa.update(journal).where(journal.c.id.in_(ids)).values(changes))
    objects = sa.select(journal.c.object_type, journal.c.object_id).where(journal.c.id.in_(ids)).distinct()
    note_outcomes(tx, [(row.object_type, row.object_id) for row in tx.execute(objects)])


def field_states(tx: sa.Connection, object_type: str, object_ids: Collection[str]) -> dict[Value, FieldState]:
    """Return what is known of the fields of these records, for those of which anything is known."""
    of_records = (journal.c.object_type == object_type) & journal.c.object_id.in_(object_ids)
    newest = (
        sa.select(sa.func.max(journal.c.id)).where(of_records, journal.c.status.in_(CONFIRMED)).group_by(*of_value())
    ).scalar_subquery()
    relevant = of_records & (journal.c.id.in_(newest) | journal.c.status.in_((*PENDING, "held")))
    states: dict[Value, FieldState] = {}
    for row in tx.execute(sa.select(journal).where(relevant).order_by(journal.c.id)):
        value = (row.object_id, row.property)
        if row.status in CONFIRMED:
            states[value] = FieldState(row.after, row.run_id)
        elif row.status in PENDING:
            state = states.setdefault(value, FieldState())
            state.pending[row.id], state.withheld_last = row.after, None
        else:
            state = states.setdefault(value, FieldState())
            state.withheld.setdefault(row.after, row.day)
            state.withheld_last = (row.before, row.after)
    return states


def story(tx: sa.Connection, object_type: str, object_id: str, name: str) -> list[sa.RowMapping]:
    """Return all that the journal has on one field, the oldest first."""
    of_field = (
        (journal.c.object_type == object_type) & (journal.c.object_id == object_id) & (journal.c.property == name)
    )
    return list(tx.execute(sa.select(journal).where(of_field).order_by(journal.c.id)).mappings())


def records_of_run(tx: sa.Connection, run_id: str, object_type: str, outcome: str) -> int:
    """Count the objects of which a run has a field, or their creation, with the outcome."""
    of_run = (journal.c.run_id == run_id) & (journal.c.object_type == object_type) & (journal.c.status == outcome)
    of_run &= journal.c.property != ASSOCIATED
    return tx.scalar(sa.select(sa.func.count(sa.distinct(journal.c.object_id))).where(of_run)) or 0


def days_changed_since(tx: sa.Connection, since: datetime | None) -> list[str]:
    """List the days with a row that was journaled, or got its receipt, since a moment; all without one."""
    query = sa.select(journal.c.day).distinct().order_by(journal.c.day)
    if since:
        query = query.where((journal.c.at >= since) | (journal.c.receipt_at >= since))
    return list(tx.scalars(query))


def rows_of_day(tx: sa.Connection, day: str, rows_at_once: int) -> Iterator[Sequence[sa.RowMapping]]:
    """Yield the rows of a day in the order in which they were journaled, so many at once."""
    query = sa.select(journal).where(journal.c.day == day).order_by(journal.c.id)
    yield from tx.execute(query.execution_options(yield_per=rows_at_once)).mappings().partitions()


def writes_of_run(tx: sa.Connection, run_id: str, object_type: str, outcome: str) -> list[Journaled]:
    """Return the fields of a run that had the outcome, in the order in which they were journaled."""
    of_run = (journal.c.run_id == run_id) & (journal.c.object_type == object_type)
    rows = sa.select(journal).where(of_run, journal.c.status == outcome).order_by(journal.c.id)
    names = [each.name for each in fields(Journaled)]
    return [Journaled(**{name: row[name] for name in names}) for row in tx.execute(rows).mappings()]


def changes_since(tx: sa.Connection, day: str, rows_at_once: int = 2_000) -> Iterator[sa.RowMapping]:
    """Yield the fields from a day on that were written, or were not to be, the newest first."""
    shown = journal.c.status.in_(("written", "held", "rejected", "unknown"))
    query = sa.select(journal).where(journal.c.day >= day, shown).order_by(journal.c.id.desc())
    yield from tx.execute(query.execution_options(yield_per=rows_at_once)).mappings()


def object_types_of_run(tx: sa.Connection, run_id: str) -> list[str]:
    """Return the types of the objects that a run wrote."""
    query = sa.select(journal.c.object_type).where(journal.c.run_id == run_id, journal.c.status == "written").distinct()
    return sorted(tx.scalars(query))


def runs_named(tx: sa.Connection, beginning: str) -> list[str]:
    """Return the ids of the runs that wrote something and whose id is, or begins with, this."""
    written = sa.select(journal.c.run_id).where(journal.c.status == "written").distinct()
    runs = sorted(tx.scalars(written.where(journal.c.run_id.startswith(beginning, autoescape=True))))
    return [beginning] if beginning in runs else runs


def _add(tx: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    if not rows:
        return []
    ids = list(tx.scalars(sa.insert(journal).returning(journal.c.id, sort_by_parameter_order=True), rows))
    note_outcomes(tx, [(row["object_type"], row["object_id"]) for row in rows])
    return ids


def day_written(tx: sa.Connection, object_id: str, property: str, since: str) -> str | None:
    """Return the first day from one on whose value of a contact's property HubSpot took, or had."""
    these = (journal.c.object_type == "contacts") & (journal.c.object_id == object_id)
    these &= (journal.c.property == property) & (journal.c.day >= since)
    took = journal.c.status.in_(("written", "unchanged"))
    day: str | None = tx.scalar(sa.select(sa.func.min(journal.c.day)).where(these & took))
    return day
