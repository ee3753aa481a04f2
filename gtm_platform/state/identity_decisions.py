"""What people decided about who is who: kept with who decided it and why, taken back but never deleted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import identity_decisions as decisions

MERGE, SPLIT = "merge", "split"


@dataclass(frozen=True)
class Decision:
    """Two records are the same person (merge), or are not (split)."""

    id: int
    kind: str
    first_record: str
    second_record: str
    decided_by: str
    reason: str
    at: datetime
    undone_at: datetime | None = None
    undone_by: str | None = None
    undone_reason: str | None = None

    @property
    def in_force(self) -> bool:
        """Whether nobody has taken it back."""
        return self.undone_at is None

    @property
    def records(self) -> tuple[str, str]:
        """The two records that it is about."""
        return self.first_record, self.second_record


def add_decision(tx: sa.Connection, kind: str, records: tuple[str, str], who: str, reason: str, at: datetime) -> int:
    """Keep a decision; return its number."""
    row = {
        "kind": kind,
        "first_record": records[0],
        "second_record": records[1],
        "decided_by": who,
        "reason": reason,
        "at": at,
    }
    return _key(tx.execute(sa.insert(decisions), row))


def undo_decision(tx: sa.Connection, number: int, who: str, reason: str, at: datetime) -> bool:
    """Take a decision back; return whether it was in force."""
    changed = tx.execute(
        sa.update(decisions)
        .where(decisions.c.id == number, decisions.c.undone_at.is_(None))
        .values(undone_at=at, undone_by=who, undone_reason=reason)
    )
    return bool(changed.rowcount)


def all_decisions(tx: sa.Connection) -> list[Decision]:
    """Return every decision, the oldest first, those included that were taken back."""
    rows = tx.execute(sa.select(decisions).order_by(decisions.c.id)).mappings()
    return [Decision(**row) for row in rows]


def _key(result: sa.CursorResult[Any]) -> int:
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])
