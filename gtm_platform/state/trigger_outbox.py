"""The outbox of changes: what each subscription was last sent of a subject, and the messages that say it.

Both are written in one transaction, so that no change is lost or sent as another message. A message waits until its
receiver took it, or until it is dead; it keeps its id through all attempts.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.audit import note_outside
from gtm_platform.state.schema import trigger_messages as messages
from gtm_platform.state.schema import trigger_values as values

WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"
ROWS_AT_ONCE = 500
NEW_COLUMNS = ("message_id", "type", "subject_kind", "subject_id", "content")  # of a new message
Content = Mapping[str, Any]


@dataclass(frozen=True)
class LastSent:
    """What a subscription was last sent of a subject.

    `content` is None once it was sent that nothing more comes.
    """

    content: Content | None
    sequence: int


@dataclass(frozen=True)
class NewMessage:
    """A message to be sent, and what its subscription knows once it is."""

    message_id: str
    type: str
    subject_kind: str
    subject_id: str
    content: Content
    after: LastSent


@dataclass(frozen=True)
class Message:
    """A message of the outbox."""

    id: int
    message_id: str
    subscription_id: str
    type: str
    subject_kind: str
    subject_id: str
    day: str
    content: Content
    run_id: str
    status: str
    attempts: int
    due_at: datetime
    at: datetime
    settled_at: datetime | None
    error: str | None


def last_sent(tx: sa.Connection, subscription_id: str, subject_kind: str) -> dict[str, LastSent]:
    """Return what a subscription was last sent of each subject."""
    these = (values.c.subscription_id == subscription_id) & (values.c.subject_kind == subject_kind)
    rows = tx.execute(sa.select(values.c.subject_id, values.c.content, values.c.sequence).where(these))
    return {id: LastSent(None if content is None else json.loads(content), number) for id, content, number in rows}


def put(
    tx: sa.Connection, subscription_id: str, new: Sequence[NewMessage], day: str, run_id: str, at: datetime
) -> None:
    """Write messages, and what the subscription knows after them."""
    keep_values(tx, subscription_id, {(each.subject_kind, each.subject_id): each.after for each in new})
    common: dict[str, Any] = {"subscription_id": subscription_id, "day": day, "run_id": run_id, "status": WAITING}
    common |= {"attempts": 0, "due_at": at, "at": at}
    rows = [{**common, **{name: getattr(each, name) for name in NEW_COLUMNS}} for each in new]
    if rows:
        tx.execute(sa.insert(messages), rows)


def keep_values(tx: sa.Connection, subscription_id: str, contents: Mapping[tuple[str, str], LastSent]) -> None:
    """Keep what a subscription knows of some subjects, with or without a message that said so."""
    for kind in {subject_kind for subject_kind, _ in contents}:
        ids = [id for subject_kind, id in contents if subject_kind == kind]
        for start in range(0, len(ids), ROWS_AT_ONCE):
            these = (values.c.subscription_id == subscription_id) & (values.c.subject_kind == kind)
            tx.execute(sa.delete(values).where(these, values.c.subject_id.in_(ids[start : start + ROWS_AT_ONCE])))
    rows = [
        {
            "subscription_id": subscription_id,
            "subject_kind": subject_kind,
            "subject_id": id,
            "content": None if each.content is None else json.dumps(each.content, sort_keys=True),
            "sequence": each.sequence,
        }
        for (subject_kind, id), each in contents.items()
    ]
    if rows:
        tx.execute(sa.insert(values), rows)


def due(tx: sa.Connection, subscription_id: str, now: datetime, limit: int) -> list[Message]:
    """Return what is to be sent to a subscription now, the oldest first."""
    query = sa.select(messages).where(
        messages.c.subscription_id == subscription_id, messages.c.status == WAITING, messages.c.due_at <= now
    )
    return [_message(row) for row in tx.execute(query.order_by(messages.c.id).limit(limit)).mappings()]


def due_ids(tx: sa.Connection, subscription_ids: Collection[str], now: datetime) -> list[int]:
    """Return the numbers of what is to be sent now to some subscriptions."""
    query = sa.select(messages.c.id).where(
        messages.c.subscription_id.in_(list(subscription_ids)), messages.c.status == WAITING, messages.c.due_at <= now
    )
    return list(tx.scalars(query.order_by(messages.c.id)))


def attempting(tx: sa.Connection, id: int, attempts: int, next_at: datetime) -> None:
    """Note that an attempt begins; if nothing is heard of it, the next one is at `next_at`."""
    tx.execute(sa.update(messages).where(messages.c.id == id).values(attempts=attempts, due_at=next_at))


def delivered(tx: sa.Connection, id: int, at: datetime) -> None:
    """Note that the receiver took it."""
    settled = {"status": DELIVERED, "settled_at": at, "error": None}
    tx.execute(sa.update(messages).where(messages.c.id == id).values(settled))
    row = tx.execute(sa.select(messages).where(messages.c.id == id)).mappings().one()
    people = [row["subject_id"]] if row["subject_kind"] == "customer" else []
    note_outside(tx, at, "webhook.post", row["subscription_id"], people, message=row["message_id"], type=row["type"])


def refused(tx: sa.Connection, id: int, error: str, next_at: datetime | None, at: datetime) -> None:
    """Note that it was not taken: it is tried again at `next_at`, or is dead without one."""
    changes: dict[str, Any] = {"error": error}
    changes |= {"due_at": next_at} if next_at else {"status": DEAD, "settled_at": at}
    tx.execute(sa.update(messages).where(messages.c.id == id).values(changes))


def postpone(tx: sa.Connection, subscription_id: str, until: datetime) -> None:
    """Let what waits of a subscription wait at least until a moment: its receiver is down."""
    these = (messages.c.subscription_id == subscription_id) & (messages.c.status == WAITING)
    tx.execute(sa.update(messages).where(these, messages.c.due_at < until).values(due_at=until))


def bury(tx: sa.Connection, subscription_id: str, error: str, at: datetime) -> int:
    """Let everything that waits of a subscription be dead; return how much that is."""
    these = (messages.c.subscription_id == subscription_id) & (messages.c.status == WAITING)
    dead = {"status": DEAD, "settled_at": at, "error": error}
    return tx.execute(sa.update(messages).where(these).values(dead)).rowcount


def replay(
    tx: sa.Connection, subscription_id: str, at: datetime, *, message_id: str = "", since: datetime | None = None
) -> int:
    """Send again what is dead, or one message, or all since a moment; return how many they are.

    Each keeps its id.
    """
    these = messages.c.subscription_id == subscription_id
    if message_id:
        these &= messages.c.message_id == message_id
    elif since:
        these &= messages.c.at >= since
    else:
        these &= messages.c.status == DEAD
    again = {"status": WAITING, "attempts": 0, "due_at": at, "settled_at": None, "error": None}
    return tx.execute(sa.update(messages).where(these).values(again)).rowcount


def newest(tx: sa.Connection, limit: int, subscription_id: str = "", status: str = "") -> list[Message]:
    """Return messages of a subscription and status, or of all, the newest first."""
    query = sa.select(messages).order_by(messages.c.id.desc()).limit(limit)
    if subscription_id:
        query = query.where(messages.c.subscription_id == subscription_id)
    if status:
        query = query.where(messages.c.status == status)
    return [_message(row) for row in tx.execute(query).mappings()]


def dead_since(tx: sa.Connection, since: datetime) -> list[Message]:
    """Return what died after a moment, the oldest first."""
    query = sa.select(messages).where(messages.c.status == DEAD, messages.c.settled_at > since)
    return [_message(row) for row in tx.execute(query.order_by(messages.c.settled_at, messages.c.id)).mappings()]


def counts(tx: sa.Connection) -> dict[tuple[str, str], int]:
    """Count the messages by subscription and status."""
    query = sa.select(messages.c.subscription_id, messages.c.status, sa.func.count())
    rows = tx.execute(query.group_by(messages.c.subscription_id, messages.c.status))
    return {(subscription_id, status): count for subscription_id, status, count in rows}


def of_days(tx: sa.Connection, since: str) -> list[Message]:
    """Return the messages about a day and those after it, the oldest first."""
    query = sa.select(messages).where(messages.c.day >= since).order_by(messages.c.id)
    return [_message(row) for row in tx.execute(query).mappings()]


def forget(tx: sa.Connection, before: datetime) -> int:
    """Delete what was delivered before a moment; return how much that was."""
    these = (messages.c.status == DELIVERED) & (messages.c.settled_at < before)
    return tx.execute(sa.delete(messages).where(these)).rowcount


def _message(row: sa.RowMapping) -> Message:
    return Message(**{each.name: row[each.name] for each in fields(Message)})
