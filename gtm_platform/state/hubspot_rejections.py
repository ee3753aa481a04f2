"""What HubSpot refused: a row for each of our records, until HubSpot takes its values or a person dismisses it."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import sqlalchemy as sa

from gtm_platform.state.hubspot_confirmed import as_text
from gtm_platform.state.schema import hubspot_rejections as table

ROWS_AT_ONCE = 500


class NoSuchRejection(LookupError):
    """Nothing that HubSpot refused has this number."""


@dataclass(frozen=True)
class Refusal:
    """A record that was refused just now, with the values that it was to get."""

    object_type: str
    subject_id: str
    object_id: str
    digest: str
    reason: str
    cause: str


@dataclass(frozen=True)
class Rejection(Refusal):
    """A refused record as it is kept: how often it was tried, when it will be again, who dismissed it."""

    id: int
    attempts: int
    first_at: datetime
    last_at: datetime
    retry_at: datetime
    run_id: str
    dismissed_at: datetime | None
    dismissed_by: str | None

    def rests(self, digest: str, now: datetime) -> bool:
        """Say whether the same values are not to be sent now; others always are."""
        return digest == self.digest and (self.dismissed_at is not None or now < self.retry_at)


def digest_of(values: Mapping[str, str]) -> str:
    """Return what tells these values from others."""
    return hashlib.sha256(as_text(values).encode()).hexdigest()


def rejections(tx: sa.Connection, object_type: str | None = None) -> list[Rejection]:
    """Return what is refused, of one type of objects or of all, the oldest first."""
    query = sa.select(table).order_by(table.c.id)
    if object_type is not None:
        query = query.where(table.c.object_type == object_type)
    return [_rejection(row) for row in tx.execute(query).mappings()]


def keep(
    tx: sa.Connection,
    refusals: Sequence[Refusal],
    run_id: str,
    at: datetime,
    retry_after: Callable[[int], timedelta],
) -> None:
    """Keep refusals: the attempts at a record add up, while its values are the same."""
    before = {(each.object_type, each.subject_id): each for each in rejections(tx)} if refusals else {}
    for refusal in {(each.object_type, each.subject_id): each for each in refusals}.values():
        earlier = before.get((refusal.object_type, refusal.subject_id))
        again = earlier is not None and earlier.digest == refusal.digest
        attempts = earlier.attempts + 1 if earlier and again else 1
        row = {
            **{each.name: getattr(refusal, each.name) for each in fields(Refusal)},
            "attempts": attempts,
            "first_at": earlier.first_at if earlier and again else at,
            "last_at": at,
            "retry_at": at + retry_after(attempts),
            "run_id": run_id,
            "dismissed_at": None,
            "dismissed_by": None,
        }
        if earlier:
            tx.execute(sa.update(table).where(table.c.id == earlier.id).values(row))
        else:
            tx.execute(sa.insert(table).values(row))


def settle(tx: sa.Connection, object_type: str, subject_ids: Collection[str]) -> None:
    """Forget what HubSpot took in the end, or what is no longer to be there."""
    ids = list(subject_ids)
    for start in range(0, len(ids), ROWS_AT_ONCE):
        some = table.c.subject_id.in_(ids[start : start + ROWS_AT_ONCE])
        tx.execute(sa.delete(table).where(table.c.object_type == object_type, some))


def retry(tx: sa.Connection, number: int, at: datetime) -> Rejection:
    """Let the next run send it again, also where it was dismissed."""
    return _change(tx, number, retry_at=at, dismissed_at=None, dismissed_by=None)


def dismiss(tx: sa.Connection, number: int, by: str, at: datetime) -> Rejection:
    """Let no run send these values again."""
    return _change(tx, number, dismissed_at=at, dismissed_by=by)


def _change(tx: sa.Connection, number: int, **changes: object) -> Rejection:
    if not tx.execute(sa.update(table).where(table.c.id == number).values(changes)).rowcount:
        raise NoSuchRejection(f"Nothing that HubSpot refused has the number {number}: gtm hubspot rejected lists it.")
    return _rejection(tx.execute(sa.select(table).where(table.c.id == number)).mappings().one())


def _rejection(row: sa.RowMapping) -> Rejection:
    return Rejection(**{each.name: row[each.name] for each in fields(Rejection)})
