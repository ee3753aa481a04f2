"""Erasures, planned and done, and the keyed hashes by which erased people are recognised."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import erasures, suppressions

PLANNED, BEGUN, DONE = "planned", "begun", "done"


@dataclass(frozen=True)
class Erasure:
    """An erasure as the state keeps it; `sealed` is gone once it is done."""

    id: str
    status: str
    reason: str
    requested_by: str
    requested_at: datetime
    plan: Mapping[str, Any]
    sealed: bytes | None = None
    begun_by: str | None = None
    begun_at: datetime | None = None
    finished_at: datetime | None = None
    receipt: Mapping[str, Any] | None = None


def add_erasure(tx: sa.Connection, erasure: Erasure) -> None:
    """Keep a plan."""
    tx.execute(sa.insert(erasures), vars(erasure))


def erasure_of(tx: sa.Connection, id: str) -> Erasure | None:
    """Return an erasure by its id."""
    row = tx.execute(sa.select(erasures).where(erasures.c.id == id)).mappings().first()
    return Erasure(**row) if row else None


def all_erasures(tx: sa.Connection) -> list[Erasure]:
    """Return every erasure, the newest first."""
    rows = tx.execute(sa.select(erasures).order_by(erasures.c.requested_at.desc(), erasures.c.id)).mappings()
    return [Erasure(**row) for row in rows]


def change_erasure(tx: sa.Connection, id: str, **changes: Any) -> None:
    """Change what is kept of an erasure."""
    tx.execute(sa.update(erasures).where(erasures.c.id == id).values(**changes))


def drop_plans(tx: sa.Connection, before: datetime) -> None:
    """Forget whom plans were about that nobody carried out since a moment."""
    old = (erasures.c.status == PLANNED) & (erasures.c.requested_at < before)
    tx.execute(sa.delete(erasures).where(old))


@dataclass(frozen=True)
class Suppression:
    """A keyed hash of an address or of a record's id; `scope` is the record's table."""

    digest: str
    key_id: str
    scope: str = ""


def suppress(tx: sa.Connection, hashes: Collection[Suppression], erasure_id: str, at: datetime) -> None:
    """Keep hashes; those that are known stay as they are."""
    digests = set(tx.scalars(sa.select(suppressions.c.digest)))
    new = {each.digest: each for each in hashes if each.digest not in digests}
    if new:
        rows = [{**vars(each), "erasure_id": erasure_id, "at": at} for _, each in sorted(new.items())]
        tx.execute(sa.insert(suppressions), rows)


def suppressed(tx: sa.Connection) -> list[Suppression]:
    """Return every hash."""
    columns = (suppressions.c.digest, suppressions.c.key_id, suppressions.c.scope)
    return [Suppression(*row) for row in tx.execute(sa.select(*columns))]
