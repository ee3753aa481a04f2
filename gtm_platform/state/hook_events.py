"""What systems sent by webhook: each event once, with ids, kind and times, and whether a run has read what it is about.

Of systems that cannot be asked the body is here too, encrypted by whoever writes it. Nothing else here is personal.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gtm_platform.state.schema import hook_counts as counts
from gtm_platform.state.schema import hook_events as events

LONGEST_KIND = 100
SAME_BODY = timedelta(hours=24)  # without an id of the sender's, the same bytes within so long are the same event
ACCEPTED, REPEATED = "accepted", "repeated"
AT_ONCE = 500  # rows of a query
SEPARATOR = ","  # between the names of streams
NOT_READ = events.c.read_at.is_(None)

_INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True)
class NewEvent:
    """An event to keep; `has_id` says that the sender's id tells repeats apart."""

    hook: str
    source: str
    event_key: str
    kind: str
    touched: Mapping[str, Sequence[str]]
    occurred_at: datetime | None
    received_at: datetime
    body: bytes | None
    has_id: bool


@dataclass(frozen=True)
class KeptEvent:
    """An event whose body is kept."""

    id: int
    hook: str
    kind: str
    received_at: datetime
    body: bytes


@dataclass(frozen=True)
class ToRead:
    """The events of a source that no run has read yet: how many, from when, and of which streams."""

    events: int
    first_at: datetime
    last_at: datetime
    last_id: int
    streams: frozenset[str]
    first_id: int = 0


@dataclass(frozen=True)
class EventRead:
    """An event, which records it names, and when a run had read these."""

    hook: str
    source: str
    touched: Mapping[str, Sequence[str]]
    received_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class HookCount:
    """How often deliveries of a hook came to an outcome on a day, and when last."""

    hook: str
    day: str
    outcome: str
    count: int
    last_at: datetime


def digest_of(content: bytes) -> str:
    """Return what stands for a text that is not kept."""
    return hashlib.sha256(content).hexdigest()[:40]


def keep(tx: sa.Connection, new: Sequence[NewEvent]) -> int:
    """Keep those that are not here yet; return how many these are."""
    by_body: dict[tuple[str, datetime], list[str]] = {}
    for event in new:
        if not event.has_id:
            by_body.setdefault((event.hook, event.received_at), []).append(event.event_key)
    for (hook, at), keys in by_body.items():
        _set_aside(tx, hook, keys, at - SAME_BODY)
    rows = [_row(event) for event in new]
    if not rows:
        return 0
    insert = _INSERTS[tx.dialect.name](events).on_conflict_do_nothing(index_elements=["hook", "event_key"])
    return max(0, tx.execute(insert, rows).rowcount)


def _set_aside(tx: sa.Connection, hook: str, keys: Sequence[str], before: datetime) -> None:
    """Give another key to what came so long ago that the same bytes are another event."""
    old = (events.c.hook == hook) & events.c.event_key.in_(keys) & (events.c.received_at < before)
    another = events.c.event_key + "." + sa.cast(events.c.id, sa.String)
    tx.execute(sa.update(events).where(old).values(event_key=another))


def _row(event: NewEvent) -> dict[str, Any]:
    touched = {stream: list(ids) for stream, ids in event.touched.items()}
    row = {name: value for name, value in vars(event).items() if name != "has_id"}
    streams = SEPARATOR.join(sorted(touched))
    return {**row, "touched": touched, "streams": streams, "read_at": None if touched else event.received_at}


def count(tx: sa.Connection, outcomes: Mapping[tuple[str, str], int], at: datetime) -> None:
    """Add to the counts of the day, by hook and outcome."""
    insert = _INSERTS[tx.dialect.name](counts)
    added = insert.on_conflict_do_update(
        index_elements=["hook", "day", "outcome"],
        set_={"count": counts.c.count + insert.excluded.count, "last_at": insert.excluded.last_at},
    )
    for (hook, outcome), number in outcomes.items():
        row = {"hook": hook, "day": str(at.date()), "outcome": outcome, "count": number, "last_at": at}
        tx.execute(added, row)


# --- reading what events are about -----------------------------------------------------------------------------------


def to_read(tx: sa.Connection) -> dict[str, ToRead]:
    """Return by source what no run has read yet."""
    summed = sa.select(
        events.c.source,
        sa.func.count().label("events"),
        sa.func.min(events.c.received_at).label("first_at"),
        sa.func.max(events.c.received_at).label("last_at"),
        sa.func.max(events.c.id).label("last_id"),
    )
    rows = tx.execute(summed.where(NOT_READ).group_by(events.c.source)).all()
    return {
        row.source: ToRead(row.events, row.first_at, row.last_at, row.last_id, _streams(tx, row.source)) for row in rows
    }


def arrived_after(tx: sa.Connection, last_id: int) -> dict[str, ToRead]:
    """Return by source what came after an event and is about a stream, whether it was read or not."""
    columns = (events.c.id, events.c.source, events.c.touched, events.c.received_at)
    rows = tx.execute(sa.select(*columns).where(events.c.id > last_id).order_by(events.c.id)).all()
    arrived: dict[str, ToRead] = {}
    for row in rows:
        if not row.touched:
            continue
        before = arrived.get(row.source)
        streams, first = frozenset(row.touched), row.received_at
        if before:
            streams, first = streams | before.streams, min(first, before.first_at)
        events_so_far, first_id = (before.events, before.first_id) if before else (0, row.id)
        arrived[row.source] = ToRead(events_so_far + 1, first, row.received_at, row.id, streams, first_id)
    return arrived


def newest_id(tx: sa.Connection, before: datetime | None = None) -> int:
    """Return the number of the newest event, or of those before a moment; 0 where there is none."""
    newest = sa.select(sa.func.max(events.c.id))
    return int(tx.execute(newest if before is None else newest.where(events.c.received_at < before)).scalar() or 0)


def _streams(tx: sa.Connection, source: str) -> frozenset[str]:
    kinds = sa.select(events.c.streams).where(NOT_READ, events.c.source == source).distinct()
    return frozenset(stream for each in tx.execute(kinds).scalars() for stream in each.split(SEPARATOR))


def count_unread(tx: sa.Connection) -> int:
    """Count the events that no run has read yet."""
    return int(tx.execute(sa.select(sa.func.count()).where(NOT_READ)).scalar_one())


def note_read(tx: sa.Connection, source: str, streams: Collection[str], before: datetime, at: datetime) -> int:
    """Note that a run has read some streams as of a moment; return how many events that settles.

    An event is read once all of its streams are: those that are still to be read stay with it.
    """
    unread = NOT_READ & (events.c.source == source) & (events.c.received_at < before)
    settled = 0
    for touched in list(tx.execute(sa.select(events.c.streams).where(unread).distinct()).scalars()):
        left = SEPARATOR.join(stream for stream in touched.split(SEPARATOR) if stream not in streams)
        these = sa.update(events).where(unread, events.c.streams == touched)
        if not left:
            settled += int(tx.execute(these.values(read_at=at)).rowcount)
        elif left != touched:
            tx.execute(these.values(streams=left))
    return settled


def bodies_between(tx: sa.Connection, source: str, start: datetime, end: datetime) -> Iterator[KeptEvent]:
    """Yield the events of a source whose bodies are kept, received from an instant on and before another."""
    within = (events.c.source == source) & (events.c.received_at >= start) & (events.c.received_at < end)
    columns = (events.c.id, events.c.hook, events.c.kind, events.c.received_at, events.c.body)
    query = sa.select(*columns).where(within, events.c.body.is_not(None)).order_by(events.c.received_at, events.c.id)
    for row in tx.execute(query.execution_options(yield_per=AT_ONCE)):
        yield KeptEvent(*row)


def drop_bodies(tx: sa.Connection, source: str, before: datetime) -> int:
    """Forget the bodies that a source received before a moment; return how many these were."""
    old = (events.c.source == source) & (events.c.received_at < before) & events.c.body.is_not(None)
    return int(tx.execute(sa.update(events).where(old).values(body=sa.null())).rowcount)


def forget(tx: sa.Connection, before: datetime) -> int:
    """Forget events from before a moment whose body is not kept; no sender repeats them after so long."""
    old = (events.c.received_at < before) & events.c.body.is_(None)
    return int(tx.execute(sa.delete(events).where(old)).rowcount)


def forget_counts(tx: sa.Connection, before: str) -> None:
    """Forget the counts of days before one."""
    tx.execute(sa.delete(counts).where(counts.c.day < before))


# --- what is shown ---------------------------------------------------------------------------------------------------


def counts_since(tx: sa.Connection, day: str) -> list[HookCount]:
    """Return the counts of each hook from a day on, by hook and day."""
    query = sa.select(counts).where(counts.c.day >= day).order_by(counts.c.hook, counts.c.day, counts.c.outcome)
    return [HookCount(**row) for row in tx.execute(query).mappings()]


def events_between(tx: sa.Connection, start: datetime, end: datetime) -> Iterator[EventRead]:
    """Yield the events that were received from an instant on and before another."""
    columns = (events.c.hook, events.c.source, events.c.touched, events.c.received_at, events.c.read_at)
    within = (events.c.received_at >= start) & (events.c.received_at < end)
    for row in tx.execute(sa.select(*columns).where(within).execution_options(yield_per=AT_ONCE)):
        yield EventRead(*row)


def waiting_by_hook(tx: sa.Connection) -> dict[str, int]:
    """Return by hook how many events no run has read yet."""
    query = sa.select(events.c.hook, sa.func.count()).where(NOT_READ).group_by(events.c.hook)
    return {row[0]: row[1] for row in tx.execute(query)}


def newest(tx: sa.Connection, hook: str, limit: int) -> list[sa.RowMapping]:
    """Return the newest events of a hook, without their bodies."""
    columns = [column for column in events.c if column.name != "body"]
    query = sa.select(*columns).where(events.c.hook == hook).order_by(events.c.id.desc()).limit(limit)
    return list(tx.execute(query).mappings())
