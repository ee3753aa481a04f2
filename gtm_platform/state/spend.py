"""The ledger of what is spent of providers' credits: reserved before a call, charged or released after its answer.

A month's cap holds for what was charged and what is reserved together, so that runs side by side cannot exceed it. What
was begun and has no answer stays reserved until somebody knows what became of it: the provider, or a person.
"""

import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from gtm_platform.state.schema import Credits
from gtm_platform.state.schema import credit_reservations as ledger

RESERVED, BEGUN, CHARGED, RELEASED = "reserved", "begun", "charged", "released"
OPEN = (RESERVED, BEGUN)
NOTHING = Decimal(0)
RESERVING = 7_246_002  # the first number of the Postgres locks that let one process reserve of a provider at a time


@dataclass(frozen=True)
class Reservation:
    """Credits that are set aside for one subject, and what became of them."""

    id: int
    provider: str
    month: str
    subject: str
    run_id: str
    reserved: Decimal
    charged: Decimal | None
    status: str
    reference: str | None
    unit: str | None
    reason: str | None
    at: datetime
    begun_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True)
class MonthSpend:
    """What a month has cost so far, and what is set aside in it."""

    provider: str
    month: str
    charged: Decimal = NOTHING
    reserved: Decimal = NOTHING
    subjects: int = 0

    @property
    def committed(self) -> Decimal:
        """What counts against the cap."""
        return self.charged + self.reserved


def as_text(credits: Decimal) -> str:
    """Write credits as people do, without zeros at the end."""
    return f"{credits.normalize():f}"


def month_of(at: datetime) -> str:
    """Return the calendar month, in UTC, that a reservation of this moment counts in."""
    return f"{at:%Y-%m}"


def charged_since(tx: sa.Connection, at: datetime) -> list[tuple[str, datetime, Decimal]]:
    """Return what was charged since a moment: the provider, when, how many credits."""
    columns = ledger.c
    charged = (columns.status == CHARGED) & (columns.settled_at >= at)
    rows = tx.execute(sa.select(columns.provider, columns.settled_at, columns.charged).where(charged))
    return [(row.provider, row.settled_at, row.charged or NOTHING) for row in rows]


def reserve(
    tx: sa.Connection,
    provider: str,
    wishes: Iterable[tuple[str, Decimal]],
    cap: Decimal,
    run_id: str,
    at: datetime,
    asked_since: datetime | None = None,
) -> list[Reservation]:
    """Set credits aside for subjects, in their order, as long as the month's cap allows.

    A subject is left out that was asked for since a moment, whatever was answered. The first one that the cap has no
    room for ends the list: none after it is taken because it happens to be cheaper.
    """
    _one_at_a_time(tx, provider)
    month = month_of(at)
    wishes = list(wishes)
    left = cap - spent_in(tx, provider, month).committed
    taken = _taken(tx, provider, [subject for subject, _ in wishes], asked_since)
    rows = []
    for subject, credits in wishes:
        if subject in taken:
            continue
        if credits > left:
            break
        left -= credits
        taken.add(subject)
        row = {"provider": provider, "month": month, "subject": subject, "run_id": run_id, "reserved": credits}
        rows.append({**row, "status": RESERVED, "at": at})
    if not rows:
        return []
    ids = list(tx.scalars(sa.insert(ledger).returning(ledger.c.id, sort_by_parameter_order=True), rows))
    return reservations(tx, ids)


def _one_at_a_time(tx: sa.Connection, provider: str) -> None:
    """Let the next process wait that reserves of the provider; a writer of SQLite is alone anyway."""
    if tx.dialect.name == "postgresql":
        number = zlib.crc32(provider.encode()) & 0x7FFFFFFF
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(RESERVING, number)))


def _taken(tx: sa.Connection, provider: str, subjects: Sequence[str], since: datetime | None) -> set[str]:
    """The subjects that may not be asked for again: open, or asked for since the moment."""
    recent = ledger.c.status.in_(OPEN) if since is None else _counts_since(since)
    taken: set[str] = set()
    for start in range(0, len(subjects), 500):
        these = ledger.c.subject.in_(subjects[start : start + 500])
        taken.update(tx.scalars(sa.select(ledger.c.subject).where(ledger.c.provider == provider, these, recent)))
    return taken


def _counts_since(since: datetime) -> sa.ColumnElement[bool]:
    return ledger.c.status.in_(OPEN) | ((ledger.c.status == CHARGED) & (ledger.c.at >= since))


def subjects_since(tx: sa.Connection, provider: str, since: datetime) -> set[str]:
    """Return the subjects that are open, or were asked for since a moment, whatever was answered."""
    return set(tx.scalars(sa.select(ledger.c.subject).where(ledger.c.provider == provider, _counts_since(since))))


def begin(tx: sa.Connection, ids: Collection[int], at: datetime) -> list[int]:
    """Note that the call leaves; return those for which it may, as others were released meanwhile."""
    begun = sa.update(ledger).where(ledger.c.id.in_(ids), ledger.c.status == RESERVED)
    return sorted(tx.scalars(begun.values(status=BEGUN, begun_at=at).returning(ledger.c.id)))


def refer(tx: sa.Connection, ids: Collection[int], reference: str) -> None:
    """Keep by what the provider can be asked later what became of a call."""
    tx.execute(sa.update(ledger).where(ledger.c.id.in_(ids)).values(reference=reference))


def charge(
    tx: sa.Connection,
    id: int,
    credits: Decimal | None,
    at: datetime,
    unit: str | None = None,
    free_since: datetime | None = None,
) -> bool:
    """Settle a reservation with what the call cost; return False where it was settled before.

    Without `credits`, as some providers do not say, it is all that was reserved. With `free_since`, a unit that was
    charged for from that moment on costs nothing again. An answer that comes after its reservation was released is
    charged all the same.
    """
    row = tx.execute(sa.select(ledger.c.provider).where(ledger.c.id == id)).first()
    if row and unit and free_since and _charged_for(tx, row.provider, unit, free_since):
        credits = NOTHING
    late = (ledger.c.status == RELEASED) & ledger.c.begun_at.isnot(None)
    settled = sa.update(ledger).where(ledger.c.id == id, ledger.c.status.in_(OPEN) | late)
    cost = ledger.c.reserved if credits is None else credits
    return bool(
        tx.execute(settled.values(status=CHARGED, charged=cost, unit=unit, settled_at=at, reason=None)).rowcount
    )


def _charged_for(tx: sa.Connection, provider: str, unit: str, since: datetime) -> bool:
    paid = (ledger.c.status == CHARGED) & (ledger.c.charged > NOTHING) & (ledger.c.settled_at >= since)
    query = sa.select(ledger.c.id).where(ledger.c.provider == provider, ledger.c.unit == unit, paid).limit(1)
    return tx.execute(query).first() is not None


def release(tx: sa.Connection, ids: Collection[int], at: datetime, reason: str) -> int:
    """Give reservations back for which surely nothing was charged; return how many were open."""
    open_ones = sa.update(ledger).where(ledger.c.id.in_(ids), ledger.c.status.in_(OPEN))
    return int(tx.execute(open_ones.values(status=RELEASED, settled_at=at, reason=reason)).rowcount)


def release_unbegun(tx: sa.Connection, provider: str, before: datetime, at: datetime) -> int:
    """Give back what was reserved before a moment and never begun, and return how many that are."""
    unbegun = (ledger.c.provider == provider) & (ledger.c.status == RESERVED) & (ledger.c.at < before)
    reason = "Its run ended before the call began."
    given_back = sa.update(ledger).where(unbegun).values(status=RELEASED, settled_at=at, reason=reason)
    return int(tx.execute(given_back).rowcount)


def reservations(tx: sa.Connection, ids: Collection[int]) -> list[Reservation]:
    """Return reservations by their ids, in the order of the ids."""
    rows = tx.execute(sa.select(ledger).where(ledger.c.id.in_(ids)).order_by(ledger.c.id)).mappings()
    return [_reservation(row) for row in rows]


def unsettled(tx: sa.Connection, provider: str, begun_before: datetime | None = None) -> list[Reservation]:
    """Return what was begun, before a moment if one is named, and has neither a charge nor a release."""
    waiting = (ledger.c.provider == provider) & (ledger.c.status == BEGUN)
    if begun_before is not None:
        waiting &= ledger.c.begun_at < begun_before
    return [_reservation(row) for row in tx.execute(sa.select(ledger).where(waiting).order_by(ledger.c.id)).mappings()]


def spent_in(tx: sa.Connection, provider: str, month: str) -> MonthSpend:
    """Return what a provider has cost in a month, and what is reserved."""
    these = (ledger.c.provider == provider) & (ledger.c.month == month)
    return next(iter(_sums(tx, these)), MonthSpend(provider, month))


def months(tx: sa.Connection) -> list[MonthSpend]:
    """Return every month of every provider, by provider, the newest month first."""
    return sorted(_sums(tx, sa.true()), key=lambda each: (each.month, each.provider), reverse=True)


def _sums(tx: sa.Connection, these: sa.ColumnElement[bool]) -> list[MonthSpend]:
    none = sa.literal(NOTHING, Credits())
    charged = sa.func.coalesce(sa.func.sum(ledger.c.charged), none)
    waiting = sa.case((ledger.c.status.in_(OPEN), ledger.c.reserved))
    reserved = sa.func.coalesce(sa.func.sum(waiting), none)
    subjects = sa.func.count(sa.case((ledger.c.status != RELEASED, ledger.c.id)))
    query = sa.select(ledger.c.provider, ledger.c.month, charged, reserved, subjects)
    rows = tx.execute(query.where(these).group_by(ledger.c.provider, ledger.c.month)).all()
    return [MonthSpend(*row) for row in rows]


def _reservation(row: sa.RowMapping) -> Reservation:
    return Reservation(**{each.name: row[each.name] for each in fields(Reservation)})
