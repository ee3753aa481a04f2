"""Changes for subscriptions that were held back as they were too many, and who approved that they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from gtm_platform.state.schema import trigger_stops as table


class NothingToApprove(LookupError):
    """Nothing of that subscription waits for an approval."""


@dataclass(frozen=True)
class Stop:
    """What was held back of a subscription, and the approval of it."""

    subscription_id: str
    run_id: str
    day: str
    messages: int
    at: datetime
    approved_at: datetime | None = None
    approved_by: str | None = None
    approved_reason: str | None = None
    approved_until: datetime | None = None
    approved_messages: int | None = None
    used_at: datetime | None = None
    used_by_run: str | None = None

    def is_approved(self, now: datetime) -> bool:
        """Whether a run may still make use of an approval."""
        return self.used_at is None and self.approved_until is not None and now <= self.approved_until


def note(tx: sa.Connection, stop: Stop) -> None:
    """Keep what was held back. It is more than any approval of before allowed, so that none is left."""
    tx.execute(sa.delete(table).where(table.c.subscription_id == stop.subscription_id))
    tx.execute(sa.insert(table), {each.name: getattr(stop, each.name) for each in fields(Stop)})


def stop_of(tx: sa.Connection, subscription_id: str) -> Stop | None:
    """Return what was last held back of a subscription."""
    row = tx.execute(sa.select(table).where(table.c.subscription_id == subscription_id)).mappings().first()
    return _stop(row) if row else None


def waiting(tx: sa.Connection) -> Sequence[Stop]:
    """Return what was held back and no run has sent since, the oldest first."""
    query = sa.select(table).where(table.c.used_at.is_(None)).order_by(table.c.at, table.c.subscription_id)
    return [_stop(row) for row in tx.execute(query).mappings()]


def approve(tx: sa.Connection, subscription: str, by: str, reason: str, now: datetime, until: datetime) -> Stop:
    """Approve what was held back of a subscription, or of the one whose id begins so.

    An approval that was given before is kept as it is.
    """
    stopped = waiting(tx)
    named = [each for each in stopped if each.subscription_id.startswith(subscription)]
    if len(named) != 1:
        listed = ", ".join(each.subscription_id for each in stopped) or "none"
        which = "Several subscriptions begin so" if named else "Of no such subscription anything was held back"
        raise NothingToApprove(f"{subscription}: {which}. Those that wait for approval: {listed}.")
    [stop] = named
    if not stop.is_approved(now):
        approval = {"approved_at": now, "approved_by": by, "approved_reason": reason, "approved_until": until}
        these = table.c.subscription_id == stop.subscription_id
        tx.execute(sa.update(table).where(these).values(**approval, approved_messages=stop.messages))
    return stop


def settle(tx: sa.Connection, subscription_id: str, run_id: str, now: datetime) -> None:
    """Note that a run has sent what was held back, approved or few enough: no approval outlasts it."""
    these = (table.c.subscription_id == subscription_id) & table.c.used_at.is_(None)
    tx.execute(sa.update(table).where(these).values(used_at=now, used_by_run=run_id))


def _stop(row: sa.RowMapping) -> Stop:
    return Stop(**{each.name: row[each.name] for each in fields(Stop)})
