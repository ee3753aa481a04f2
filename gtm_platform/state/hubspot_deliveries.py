"""What became of each delivery to HubSpot: a row for each run and type of objects, with what a person approved.

Of each type only the newest delivery counts: a stopped one after which another was made can no longer be approved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from gtm_platform.state.schema import hubspot_deliveries as table

Status = Literal["delivered", "stopped"]
STOPPED: Status = "stopped"


class NothingToApprove(LookupError):
    """No stopped run waits under this id."""


@dataclass(frozen=True)
class NewDelivery:
    """What a run did with one type of objects, or would have done."""

    run_id: str
    object_type: str
    day: str
    status: Status
    counts: Mapping[str, int]
    reason: str
    at: datetime


@dataclass(frozen=True)
class Delivery(NewDelivery):
    """A delivery as it is kept."""

    id: int
    approved_at: datetime | None
    approved_by: str | None
    approved_reason: str | None
    approved_until: datetime | None
    used_at: datetime | None
    used_by_run: str | None

    def is_approved(self, now: datetime) -> bool:
        """Say whether a run may make use of the approval."""
        return self.used_at is None and self.approved_until is not None and now < self.approved_until


def note(tx: sa.Connection, delivery: NewDelivery) -> None:
    """Keep what became of a delivery."""
    tx.execute(sa.insert(table), {each.name: getattr(delivery, each.name) for each in fields(NewDelivery)})


def deliveries_since(tx: sa.Connection, since: datetime) -> list[Delivery]:
    """Return the deliveries from a moment on, the oldest first."""
    query = sa.select(table).where(table.c.at >= since).order_by(table.c.id)
    return [_delivery(row) for row in tx.execute(query).mappings()]


def deliveries_after(tx: sa.Connection, id: int) -> list[Delivery]:
    """Return the deliveries that were kept after one, the oldest first."""
    return [
        _delivery(row) for row in tx.execute(sa.select(table).where(table.c.id > id).order_by(table.c.id)).mappings()
    ]


def newest_id(tx: sa.Connection) -> int:
    """Return the id of the newest delivery; 0 before the first."""
    return tx.scalar(sa.select(sa.func.max(table.c.id))) or 0


def newest_of_each_type(tx: sa.Connection) -> dict[str, Delivery]:
    """Return the newest delivery of each type of objects."""
    newest = sa.select(sa.func.max(table.c.id)).group_by(table.c.object_type)
    query = sa.select(table).where(table.c.id.in_(newest.scalar_subquery())).order_by(table.c.id)
    return {row["object_type"]: _delivery(row) for row in tx.execute(query).mappings()}


def approval_for(tx: sa.Connection, object_type: str, now: datetime) -> Delivery | None:
    """Return the stopped delivery of a type that a person approved, where it may still be made use of."""
    newest = newest_of_each_type(tx).get(object_type)
    return newest if newest and newest.status == STOPPED and newest.is_approved(now) else None


def approve(tx: sa.Connection, run: str, by: str, reason: str, now: datetime, until: datetime) -> Sequence[Delivery]:
    """Approve what a run stopped; `run` may be the beginning of its id.

    An approval that was given before is kept as it is.
    """
    waiting = [each for each in newest_of_each_type(tx).values() if each.status == STOPPED and each.used_at is None]
    named = [each for each in waiting if each.run_id.startswith(run)]
    if len({each.run_id for each in named}) != 1:
        listed = ", ".join(dict.fromkeys(each.run_id[:8] for each in waiting)) or "none"
        which = "Several runs begin so" if named else "No run that begins so was stopped and still waits"
        raise NothingToApprove(f"{run}: {which}. Those that wait for approval: {listed}.")
    due = [each.id for each in named if not each.is_approved(now)]
    values = {"approved_at": now, "approved_by": by, "approved_reason": reason, "approved_until": until}
    tx.execute(sa.update(table).where(table.c.id.in_(due)).values(**values))
    return named


def use(tx: sa.Connection, approval: Delivery, run_id: str, now: datetime) -> None:
    """Note that a run has made use of an approval: no other will."""
    tx.execute(sa.update(table).where(table.c.id == approval.id).values(used_at=now, used_by_run=run_id))


def _delivery(row: sa.RowMapping) -> Delivery:
    return Delivery(**{each.name: row[each.name] for each in fields(Delivery)})
