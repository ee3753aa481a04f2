"""What the hot path did: its runs, whose rows it delivered, and whether it may run. Ids and digests only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from gtm_platform.state.schema import hot_companies, hot_company_tables, hot_customers, hot_tables
from gtm_platform.state.schema import hot_comparisons as comparisons
from gtm_platform.state.schema import hot_cursor as cursors
from gtm_platform.state.schema import hot_runs as runs
from gtm_platform.state.schema import hot_switches as switches

DELIVERED, NOTHING, LEFT, FAILED = "delivered", "nothing", "left", "failed"
AT_ONCE = 500  # ids of a statement
Subject = Literal["customers", "companies"]
SUBJECTS: Mapping[Subject, tuple[sa.Table, str]] = {
    "customers": (hot_customers, "customer_id"),
    "companies": (hot_companies, "company_id"),
}
TABLES: Mapping[Subject, sa.Table] = {"customers": hot_tables, "companies": hot_company_tables}
CURSOR = "followed"
LEASE = "hot_path"  # of the one process that follows hooks


@dataclass(frozen=True)
class HotRun:
    """One run: from the events that it followed to what was read back."""

    run_id: str
    sources: str
    day: str
    outcome: str
    reason: str | None
    events: int
    customers: int
    fields: int
    left: Mapping[str, int]
    stages: Mapping[str, int]  # milliseconds
    first_event_at: datetime
    last_event_at: datetime
    at: datetime
    messages: int = 0  # to who subscribed to changes
    alerts: int = 0  # journaled for Slack
    companies: int = 0


@dataclass(frozen=True)
class HotRecord:
    """A customer or company whose rows were delivered: day, stamp, and a digest of each row."""

    id: str
    day: str
    until: str
    digests: Mapping[str, str]
    at: datetime


@dataclass(frozen=True)
class TablesMade:
    """Stamps in the lake between which one run made all tables of a day; what it read is from before."""

    day: str
    read_by: str
    made_by: str
    rules: str  # by which they were made


@dataclass(frozen=True)
class Switch:
    """Whether the hot path may run, why, and who says so."""

    is_on: bool
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Compared:
    """What a comparison of delivered rows with the tables came to, in customers or in companies."""

    day: str
    equal: int
    moved: int
    waiting: int
    different: int
    at: datetime
    subject: Subject = "customers"


def note_run(tx: sa.Connection, run: HotRun) -> None:
    """Keep what a run did."""
    tx.execute(sa.insert(runs).values(**vars(run)))


def runs_since(tx: sa.Connection, since: datetime) -> list[HotRun]:
    """Return the runs that ended since a moment, the oldest first."""
    query = sa.select(*(column for column in runs.c if column.name != "id")).where(runs.c.at >= since)
    return [HotRun(**row) for row in tx.execute(query.order_by(runs.c.id)).mappings()]


def forget_runs(tx: sa.Connection, before: datetime) -> None:
    """Forget runs that ended before a moment."""
    tx.execute(sa.delete(runs).where(runs.c.at < before))


def note_records(tx: sa.Connection, subject: Subject, delivered: Sequence[HotRecord]) -> None:
    """Keep whose rows are being delivered, in place of what was kept of them."""
    forget_records(tx, subject, [each.id for each in delivered])
    table, key = SUBJECTS[subject]
    rows = [{key if name == "id" else name: value for name, value in vars(each).items()} for each in delivered]
    if rows:
        tx.execute(sa.insert(table), rows)


def forget_records(tx: sa.Connection, subject: Subject, ids: Sequence[str]) -> None:
    """Forget customers or companies: the tables say the same."""
    table, key = SUBJECTS[subject]
    for start in range(0, len(ids), AT_ONCE):
        tx.execute(sa.delete(table).where(table.c[key].in_(ids[start : start + AT_ONCE])))


def hot_records(tx: sa.Connection, day: str, subject: Subject) -> list[HotRecord]:
    """Return whose rows of a day were delivered and not yet compared."""
    table, key = SUBJECTS[subject]
    names = (column.label("id") if column.name == key else column for column in table.c)
    query = sa.select(*names).where(table.c.day == day).order_by(table.c[key])
    return [HotRecord(**row) for row in tx.execute(query).mappings()]


def forget_other_days(tx: sa.Connection, days: Collection[str]) -> None:
    """Forget what was kept of days that are over: no table of them is made by itself any more."""
    for table in (*(table for table, _ in SUBJECTS.values()), *TABLES.values()):
        tx.execute(sa.delete(table).where(table.c.day.not_in(list(days))))


def note_tables(tx: sa.Connection, made: TablesMade, subject: Subject = "customers") -> None:
    """Keep when all tables of a day were made last, of customers or of companies."""
    table = TABLES[subject]
    tx.execute(sa.delete(table).where(table.c.day == made.day))
    tx.execute(sa.insert(table).values(**vars(made)))


def tables_made(tx: sa.Connection, day: str, subject: Subject = "customers") -> TablesMade | None:
    """Return when all tables of a day were made last; None where no run has made every one of them."""
    table = TABLES[subject]
    row = tx.execute(sa.select(table).where(table.c.day == day)).mappings().one_or_none()
    return TablesMade(**row) if row else None


def switch_of(tx: sa.Connection) -> Switch | None:
    """Return how the switch stands; None where nobody ever touched it, which is on."""
    row: Any = tx.execute(sa.select(switches).order_by(switches.c.id.desc()).limit(1)).mappings().one_or_none()
    return Switch(bool(row["is_on"]), row["reason"], row["by"], row["at"]) if row else None


def turn(tx: sa.Connection, switch: Switch) -> None:
    """Stop it, or switch it on."""
    tx.execute(sa.insert(switches).values(**vars(switch)))


def followed_until(tx: sa.Connection) -> int | None:
    """Return the newest event up to which all were followed; None where none ever was."""
    last = tx.execute(sa.select(cursors.c.last_id).where(cursors.c.name == CURSOR)).scalar()
    return None if last is None else int(last)


def note_followed(tx: sa.Connection, last_id: int, at: datetime) -> None:
    """Keep up to which event all were followed, or left to the tables."""
    tx.execute(sa.delete(cursors).where(cursors.c.name == CURSOR))
    tx.execute(sa.insert(cursors).values(name=CURSOR, last_id=last_id, at=at))


def note_comparison(tx: sa.Connection, compared: Compared) -> None:
    """Keep what a comparison came to."""
    tx.execute(sa.insert(comparisons).values(**vars(compared)))


def last_comparison(tx: sa.Connection, subject: Subject = "customers") -> Compared | None:
    """Return what the newest comparison of customers, or of companies, came to that compared anything."""
    compared_any = comparisons.c.equal + comparisons.c.moved + comparisons.c.different > 0
    columns = [column for column in comparisons.c if column.name != "id"]
    of_these = compared_any & (comparisons.c.subject == subject)
    query = sa.select(*columns).where(of_these).order_by(comparisons.c.id.desc()).limit(1)
    row = tx.execute(query).mappings().one_or_none()
    return Compared(**row) if row else None


def forget_comparisons(tx: sa.Connection, before: datetime) -> None:
    """Forget comparisons from before a moment."""
    tx.execute(sa.delete(comparisons).where(comparisons.c.at < before))
