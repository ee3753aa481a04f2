"""What canaries did, and when each stage was seen to know of it.

An act is planned as a row, begun before the first call and done after the last; ids are noted as they come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import canary_acts as acts
from gtm_platform.state.schema import canary_sightings as sightings

SIGN_UP, COMPLAIN, PAY_LATE, CHURN, REMOVED = "sign_up", "complain", "pay_late", "churn", "removed"


@dataclass(frozen=True)
class CanaryAct:
    """Something that a canary was to do, and what came of it."""

    canary: str
    act: str
    address: str
    due_at: datetime
    begun_at: datetime | None
    done_at: datetime | None
    objects: Mapping[str, str]
    error: str | None

    @property
    def day(self) -> str:
        """The first day whose tables can know of it."""
        return f"{self.done_at or self.due_at:%Y-%m-%d}"


@dataclass(frozen=True)
class Sighting:
    """When a stage was seen to know of an act, in the tables of which day."""

    canary: str
    act: str
    stage: str
    day: str
    seen_at: datetime


def plan(tx: sa.Connection, canary: str, address: str, due: Mapping[str, datetime]) -> None:
    """Note all acts of a new canary, each with the moment at which it is due."""
    rows = [{"canary": canary, "act": act, "address": address, "due_at": at, "objects": {}} for act, at in due.items()]
    tx.execute(sa.insert(acts), rows)


def every_act(tx: sa.Connection) -> list[CanaryAct]:
    """Return all acts of all canaries, in the order in which they are due."""
    rows = tx.execute(sa.select(acts).order_by(acts.c.due_at, acts.c.canary)).mappings()
    return [CanaryAct(**{each.name: row[each.name] for each in fields(CanaryAct)}) for row in rows]


def change(tx: sa.Connection, act: CanaryAct, **changes: Any) -> None:
    """Note that an act was begun or done, what it made, or why it was not done."""
    which = (acts.c.canary == act.canary) & (acts.c.act == act.act)
    tx.execute(sa.update(acts).where(which).values(changes))


def forget_planned(tx: sa.Connection, canary: str) -> None:
    """Drop the acts of a canary that were not begun: it is taken away before."""
    which = (acts.c.canary == canary) & acts.c.begun_at.is_(None) & (acts.c.act != REMOVED)
    tx.execute(sa.delete(acts).where(which))


def sight(tx: sa.Connection, seen: Sequence[Sighting]) -> None:
    """Note sightings; the first of a stage stands."""
    for each in seen:
        row = {name.name: getattr(each, name.name) for name in fields(Sighting)}
        key = {name: row[name] for name in ("canary", "act", "stage")}
        earlier = sa.select(sightings.c.day).where(*(sightings.c[name] == value for name, value in key.items()))
        if tx.execute(earlier).first() is None:
            tx.execute(sa.insert(sightings), row)


def every_sighting(tx: sa.Connection) -> list[Sighting]:
    """Return all sightings."""
    rows = tx.execute(sa.select(sightings)).mappings()
    return [Sighting(**{each.name: row[each.name] for each in fields(Sighting)}) for row in rows]
