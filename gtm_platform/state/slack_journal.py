"""The journal of what is sent to Slack: a fingerprint is sent once.

A row waits as `intent`, or as `unknown` where a post was begun and no answer came, and ends as `sent` or `failed`. Each
kind has one sender, which reads its own rows only; so no two senders ever post the same row.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.audit import note_outside
from gtm_platform.state.schema import slack_messages as journal

WAITING = ("intent", "unknown")


@dataclass(frozen=True)
class Fact:
    """Something to be sent: what happened to which subject, with the figures that the message is made of."""

    fingerprint: str
    kind: str
    subject_kind: str
    subject_id: str
    day: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Entry(Fact):
    """A fact in the journal."""

    id: int
    status: str
    channel: str = ""
    text_hash: str | None = None  # of the message that it was last posted in
    ts: str | None = None
    at: datetime | None = None
    sent_at: datetime | None = None
    useful: int | None = None
    not_useful: int | None = None


def new_facts(tx: sa.Connection, facts: Sequence[Fact]) -> list[Fact]:
    """Return the facts that were never journaled, each once."""
    by_fingerprint = {fact.fingerprint: fact for fact in facts}
    journaled = _journaled(tx, list(by_fingerprint))
    return [fact for fingerprint, fact in by_fingerprint.items() if fingerprint not in journaled]


def intend(tx: sa.Connection, facts: Sequence[Fact], channel: str, at: datetime) -> int:
    """Journal the facts that were never journaled; return how many they are."""
    new = new_facts(tx, facts)
    common = {"channel": channel, "status": "intent", "attempts": 0, "at": at}
    if new:
        tx.execute(sa.insert(journal), [{**asdict(fact), **common} for fact in new])
    return len(new)


def waiting(tx: sa.Connection, kinds: Collection[str]) -> list[Entry]:
    """Return what waits of these kinds, the oldest first."""
    these = journal.c.status.in_(WAITING) & journal.c.kind.in_(list(kinds))
    return [_entry(row) for row in tx.execute(sa.select(journal).where(these).order_by(journal.c.id))]


def newest(tx: sa.Connection, kind: str) -> dict[str, Entry]:
    """Return the last fact of the kind for each subject, by the subject's id."""
    last = sa.select(sa.func.max(journal.c.id)).where(journal.c.kind == kind).group_by(journal.c.subject_id)
    rows = tx.execute(sa.select(journal).where(journal.c.id.in_(last.scalar_subquery())))
    return {row.subject_id: _entry(row) for row in rows}


def sent_since(tx: sa.Connection, kinds: Collection[str], since: datetime) -> list[Entry]:
    """Return what was sent of these kinds since a moment, the oldest first."""
    these = (journal.c.status == "sent") & journal.c.kind.in_(list(kinds)) & (journal.c.sent_at >= since)
    return [_entry(row) for row in tx.execute(sa.select(journal).where(these).order_by(journal.c.id))]


def posting(tx: sa.Connection, ids: Collection[int], text_hash: str, channel: str) -> None:
    """Note that a post begins: until it is answered nobody knows whether it arrived.

    `attempts` counts such posts.
    """
    _change(tx, ids, status="unknown", attempts=journal.c.attempts + 1, text_hash=text_hash, channel=channel)


def sent(tx: sa.Connection, ids: Collection[int], channel: str, ts: str, at: datetime) -> None:
    """Note that Slack took it."""
    _change(tx, ids, status="sent", channel=channel, ts=ts, sent_at=at, error=None)
    about = sa.select(journal.c.subject_id).where(journal.c.id.in_(ids) & (journal.c.subject_kind == "customer"))
    note_outside(tx, at, "slack.post", channel, sorted(set(tx.scalars(about))), ts=ts, facts=len(ids))


def refused(tx: sa.Connection, ids: Collection[int], error: str) -> None:
    """Note that Slack surely did not post it this time; it waits as before."""
    before = sa.case((journal.c.attempts > 1, "unknown"), else_="intent")
    _change(tx, ids, status=before, attempts=journal.c.attempts - 1, error=error)


def doubtful(tx: sa.Connection, ids: Collection[int], error: str) -> None:
    """Note that no answer came; it stays in doubt."""
    _change(tx, ids, error=error)


def judged(tx: sa.Connection, id: int, useful: int, not_useful: int) -> None:
    """Note how many readers found an alert useful, and how many did not."""
    _change(tx, [id], useful=useful, not_useful=not_useful)


def failed(tx: sa.Connection, ids: Collection[int], error: str) -> None:
    """Note that it will never be sent, and why."""
    _change(tx, ids, status="failed", error=error)


def recent(tx: sa.Connection, since: str, limit: int) -> list[sa.RowMapping]:
    """Return the rows of facts from a day on, whatever became of them, the newest first."""
    query = sa.select(journal).where(journal.c.day >= since).order_by(journal.c.id.desc()).limit(limit)
    return list(tx.execute(query).mappings())


def _journaled(tx: sa.Connection, fingerprints: Sequence[str]) -> set[str]:
    journaled: set[str] = set()
    for start in range(0, len(fingerprints), 500):
        these = journal.c.fingerprint.in_(fingerprints[start : start + 500])
        journaled.update(tx.scalars(sa.select(journal.c.fingerprint).where(these)))
    return journaled


def _change(tx: sa.Connection, ids: Collection[int], **changes: Any) -> None:
    tx.execute(sa.update(journal).where(journal.c.id.in_(ids)).values(**changes))


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(
        row.fingerprint,
        row.kind,
        row.subject_kind,
        row.subject_id,
        row.day,
        row.facts,
        id=row.id,
        status=row.status,
        channel=row.channel,
        text_hash=row.text_hash,
        ts=row.ts,
        at=row.at,
        sent_at=row.sent_at,
        useful=row.useful,
        not_useful=row.not_useful,
    )
