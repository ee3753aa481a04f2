"""What the hot path did: its runs, whose rows it delivered, and whether it may run. Ids and digests only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import hot_comparisons as comparisons
from gtm_platform.state.schema import hot_cursor as cursors
from gtm_platform.state.schema import hot_customers as customers
from gtm_platform.state.schema import hot_runs as runs
from gtm_platform.state.schema import hot_switches as switches
from gtm_platform.state.schema import hot_tables as tables

DELIVERED, NOTHING, LEFT, FAILED = "delivered", "nothing", "left", "failed"
AT_ONCE = 500  # customers of a statement
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


@dataclass(frozen=True)
class HotCustomer:
    """A customer whose rows were delivered: of which day, by which stamp, and a digest of each row."""

    customer_id: str
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
    """What a comparison of delivered rows with the tables came to, in customers."""

    day: str
    equal: int
    moved: int
    waiting: int
    different: int
    at: datetime


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


def note_customers(tx: sa.Connection, delivered: Sequence[HotCustomer]) -> None:
    """Keep whose rows are being delivered, in place of what was kept of them."""
    forget_customers(tx, [each.customer_id for each in delivered])
    if delivered:
        tx.execute(sa.insert(customers), [dict(vars(each)) for each in delivered])


def forget_customers(tx: sa.Connection, ids: Sequence[str]) -> None:
    """Forget customers: the tables say the same."""
    for start in range(0, len(ids), AT_ONCE):
        tx.execute(sa.delete(customers).where(customers.c.customer_id.in_(ids[start : start + AT_ONCE])))


def hot_customers(tx: sa.Connection, day: str) -> list[HotCustomer]:
    """Return whose rows of a day were delivered and not yet compared."""
    query = sa.select(customers).where(customers.c.day == day).order_by(customers.c.customer_id)
    return [HotCustomer(**row) for row in tx.execute(query).mappings()]


def forget_other_days(tx: sa.Connection, days: Collection[str]) -> None:
    """Forget what was kept of days that are over: no table of them is made by itself any more."""
    for table in (customers, tables):
        tx.execute(sa.delete(table).where(table.c.day.not_in(list(days))))


def note_tables(tx: sa.Connection, made: TablesMade) -> None:
    """Keep when all tables of a day were made last."""
    tx.execute(sa.delete(tables).where(tables.c.day == made.day))
    tx.execute(sa.insert(tables).values(**vars(made)))


def tables_made(tx: sa.Connection, day: str) -> TablesMade | None:
    """Return when all tables of a day were made last; None where no run has made every one of them."""
    row = tx.execute(sa.select(tables).where(tables.c.day == day)).mappings().one_or_none()
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


def last_comparison(tx: sa.Connection) -> Compared | None:
    """Return what the newest comparison came to that compared anything."""
    compared_any = comparisons.c.equal + comparisons.c.moved + comparisons.c.different > 0
    columns = [column for column in comparisons.c if column.name != "id"]
    query = sa.select(*columns).where(compared_any).order_by(comparisons.c.id.desc()).limit(1)
    row = tx.execute(query).mappings().one_or_none()
    return Compared(**row) if row else None


def forget_comparisons(tx: sa.Connection, before: datetime) -> None:
    """Forget comparisons from before a moment."""
    tx.execute(sa.delete(comparisons).where(comparisons.c.at < before))
