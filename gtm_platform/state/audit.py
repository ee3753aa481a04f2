"""The audit trail: who did what to what, and when. Entries are added and read, never changed.

Each entry has the hash of the one before it, and its own hash is of that and of all that it says: whoever changes,
removes or moves an entry breaks the chain there. What is cut off at the end shows by an anchor: `audit_anchors`.
What an entry says of whom goes into its hash by way of a salted hash of its own (`content`). Where a person is erased,
names and salt go, so that nobody can guess them: the chain holds, and an entry lists those that lost their names.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import audit

BEGINNING = "0" * 64  # stands before the first entry
APPENDING = 7_246_002  # the number of the Postgres lock under which entries are added; SQLite has one writer anyhow
ACTOR_LENGTH, ACTION_LENGTH, SUBJECT_LENGTH = 64, 64, 200  # of the columns
ROWS_AT_ONCE = 2_000
ERASED = "audit.erased"  # the action of an entry that lists in its detail which ones lost whom they are about


@dataclass(frozen=True)
class Entry:
    """Something that was done or read. Persons are in it by their ids only."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]

    def row(self, previous: str) -> dict[str, Any]:
        """Return the row that follows the entry with a hash."""
        row = {
            "at": self.at.astimezone(UTC),
            "actor": self.actor[:ACTOR_LENGTH],
            "action": self.action[:ACTION_LENGTH],
            "subject": self.subject[:SUBJECT_LENGTH],
            "detail": json.loads(json.dumps(dict(self.detail))),
            "previous": previous,
            "salt": secrets.token_hex(16),
        }
        row["content"] = content_hash(row)
        return {**row, "hash": digest(row)}


@dataclass(frozen=True)
class Head:
    """The end of a chain: how many entries it has, and the last of them."""

    entries: int
    id: int
    hash: str


@dataclass(frozen=True)
class Verdict:
    """What a look at the chain came to; `broken` is the first entry that is not as it was written."""

    head: Head
    broken: int | None = None
    why: str = ""
    erased: int = 0  # of the entries that were read those that lost whom they are about


def digest(row: Mapping[str, Any]) -> str:
    """Return the hash of an entry: of what it says, and of the hash before it."""
    return _hashed([row["previous"], row["at"].isoformat(), row["actor"], row["action"], row["content"]])


def content_hash(row: Mapping[str, Any]) -> str:
    """Return the salted hash of what an entry is about."""
    return _hashed([row["salt"], row["subject"], row["detail"]])


def _hashed(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def note(tx: sa.Connection, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Add an entry; the caller's transaction decides whether it stays."""
    append(tx, [Entry(at, actor, action, subject, detail)])


def note_outside(
    tx: sa.Connection, at: datetime, action: str, subject: str, people: Sequence[str], **detail: Any
) -> None:
    """Add an entry of something that another system took from us, in the transaction of its receipt."""
    append(tx, [Entry(at, "delivery", action, subject, {**detail, "people": list(people)} if people else detail)])


def append(tx: sa.Connection, added: Sequence[Entry]) -> None:
    """Add entries behind the last one; whoever else adds some waits until this transaction has ended."""
    if not added:
        return
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(APPENDING)))
    last = tx.scalar(sa.select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))
    rows, previous = [], last or BEGINNING
    for entry in added:
        rows.append(entry.row(previous))
        previous = rows[-1]["hash"]
    tx.execute(sa.insert(audit), rows)


def entries(tx: sa.Connection, action: str) -> list[sa.RowMapping]:
    """Return all entries of an action, the oldest first."""
    return list(tx.execute(sa.select(audit).where(audit.c.action == action).order_by(audit.c.id)).mappings())


def all_entries(
    tx: sa.Connection,
    *,
    person: str = "",
    actor: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
) -> Iterator[sa.RowMapping]:
    """Yield entries, the oldest first: about a person, of an actor, from a moment on and before another."""
    query = sa.select(audit).where(audit.c.id > after).order_by(audit.c.id).execution_options(yield_per=ROWS_AT_ONCE)
    if actor:
        query = query.where(audit.c.actor == actor)
    if since:
        query = query.where(audit.c.at >= since)
    if until:
        query = query.where(audit.c.at < until)
    for row in tx.execute(query).mappings():
        if not person or person == row["subject"] or person in row["detail"].get("people", ()):
            yield row


def verify(tx: sa.Connection, anchors: Iterable[Head] = (), since: Head | None = None) -> Verdict:
    """Read the chain, from an earlier head on or all of it, and name the first entry that breaks it.

    Anchors are heads that were kept elsewhere: the chain still has to run through each of them.
    """
    count, id, previous = (since.entries, since.id, since.hash) if since else (0, 0, BEGINNING)
    begun, erased, listed = count, 0, _listed_as_erased(tx)
    expected = {anchor.entries: anchor for anchor in anchors if anchor.entries > count}
    query = sa.select(audit).where(audit.c.id > id).order_by(audit.c.id)
    for row in tx.execute(query.execution_options(yield_per=ROWS_AT_ONCE)).mappings():
        count, id = count + 1, row["id"]
        why = _fault(row, previous, expected.pop(count, None), may_be_erased=id in listed)
        if why:
            return Verdict(Head(count - 1, id, previous), id, why)
        previous, erased = row["hash"], erased + (not row["salt"])
    head = Head(count, id, previous)
    if since and not _is_there(tx, since):
        return Verdict(head, since.id, f"entry {since.id}, which was the last of {begun}, is gone or another")
    if expected:
        missing = min(expected)
        return Verdict(head, id + 1, f"the chain ends here; it had {expected[missing].entries} entries before")
    return Verdict(head, erased=erased)


def list_erased(tx: sa.Connection, at: datetime, actor: str, subject: str) -> None:
    """Add an entry that lists those which lost whom they are about, and which no entry lists yet."""
    listed = _listed_as_erased(tx)
    ids = [id for id in tx.scalars(sa.select(audit.c.id).where(audit.c.salt == "")) if id not in listed]
    if ids:
        note(tx, at, actor, ERASED, subject, {"entries": sorted(ids)})


def _listed_as_erased(tx: sa.Connection) -> frozenset[int]:
    details = tx.scalars(sa.select(audit.c.detail).where(audit.c.action == ERASED))
    return frozenset(id for detail in details for id in detail["entries"])


def _fault(row: sa.RowMapping, previous: str, anchor: Head | None, *, may_be_erased: bool) -> str:
    if row["previous"] != previous:
        return "the entry before it is another than when it was written: one was removed, added, moved or changed"
    if row["hash"] != digest(dict(row)) or (row["salt"] and row["content"] != content_hash(dict(row))):
        return "it says something else than when it was written"
    if not row["salt"] and not may_be_erased:
        return "whom it is about was taken out, and no entry of an erasure lists it"
    if anchor and anchor.hash != row["hash"]:
        return f"it is another than entry {anchor.entries} was when that was kept elsewhere: the chain was written anew"
    return ""


def _is_there(tx: sa.Connection, head: Head) -> bool:
    return head.entries == 0 or tx.scalar(sa.select(audit.c.hash).where(audit.c.id == head.id)) == head.hash
