"""The journal of what was said on Slack. A fingerprint is said once. A row waits as `intent`, or as `unknown` where a
post was begun and no answer came, and ends as `sent` or `failed`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import slack_messages as journal

WAITING = ("intent", "unknown")


@dataclass(frozen=True)
class Fact:
    fingerprint: str
    kind: str
    customer_id: str
    day: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Entry(Fact):
    id: int
    status: str


def intend(tx: sa.Connection, facts: Sequence[Fact], channel: str, at: datetime) -> int:
    """Keeps what is to be said and was not kept before; the number of new ones."""
    wanted = {fact.fingerprint: fact for fact in facts}
    new = [fact for mark, fact in wanted.items() if mark not in _known(tx, list(wanted))]
    told = {"channel": channel, "status": "intent", "attempts": 0, "at": at}
    if new:
        tx.execute(sa.insert(journal), [{**asdict(fact), **told} for fact in new])
    return len(new)


def waiting(tx: sa.Connection) -> list[Entry]:
    rows = tx.execute(sa.select(journal).where(journal.c.status.in_(WAITING)).order_by(journal.c.id))
    return [_entry(row) for row in rows]


def newest(tx: sa.Connection, kind: str) -> dict[str, Entry]:
    """The last fact of the kind for each customer."""
    last = sa.select(sa.func.max(journal.c.id)).where(journal.c.kind == kind).group_by(journal.c.customer_id)
    rows = tx.execute(sa.select(journal).where(journal.c.id.in_(last.scalar_subquery())))
    return {row.customer_id: _entry(row) for row in rows}


def posting(tx: sa.Connection, ids: Collection[int], text_hash: str) -> None:
    """From here until the answer nobody knows whether it was posted. `attempts` counts the posts that may be there."""
    _change(tx, ids, status="unknown", attempts=journal.c.attempts + 1, text_hash=text_hash)


def sent(tx: sa.Connection, ids: Collection[int], channel: str, ts: str, at: datetime) -> None:
    _change(tx, ids, status="sent", channel=channel, ts=ts, sent_at=at, error=None)


def refused(tx: sa.Connection, ids: Collection[int], error: str) -> None:
    """Slack surely did not post it this time: it waits as before."""
    before = sa.case((journal.c.attempts > 1, "unknown"), else_="intent")
    _change(tx, ids, status=before, attempts=journal.c.attempts - 1, error=error)


def doubtful(tx: sa.Connection, ids: Collection[int], error: str) -> None:
    """No answer came: it stays in doubt."""
    _change(tx, ids, error=error)


def failed(tx: sa.Connection, ids: Collection[int], error: str) -> None:
    """It will not be said; a person has to look."""
    _change(tx, ids, status="failed", error=error)


def _known(tx: sa.Connection, fingerprints: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(fingerprints), 500):
        these = journal.c.fingerprint.in_(fingerprints[start : start + 500])
        known.update(tx.scalars(sa.select(journal.c.fingerprint).where(these)))
    return known


def _change(tx: sa.Connection, ids: Collection[int], **changes: Any) -> None:
    tx.execute(sa.update(journal).where(journal.c.id.in_(ids)).values(**changes))


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(row.fingerprint, row.kind, row.customer_id, row.day, row.facts, row.id, row.status)
