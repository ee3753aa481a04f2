"""The journal's rows of objects that were created in HubSpot, and of associations that were made there.

They stand among those of fields, each under a property of its own: the value of a creation is the object's id, that of
an association the type and the id of the other object. A creation without a receipt has no object id yet: in place of
one stands our record's id, and in place of the value the values that were sent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from gtm_platform.state.hubspot_confirmed import CONFIRMED
from gtm_platform.state.hubspot_journal import PENDING, Outcome, Write
from gtm_platform.state.schema import ASSOCIATED, RECORD_ID
from gtm_platform.state.schema import hubspot_writes as journal

GONE = "it was archived or deleted since"  # the reason on a creation whose object no record of ours may get
NEW = "new:"  # begins what stands for an object's id that is not known yet
AT_ONCE = 10_000  # values in a query
# As literals: with a parameter a database cannot see that it may use the index of just these.
IS_CREATION = journal.c.property == sa.literal_column(f"'{RECORD_ID}'")
IS_ASSOCIATION = journal.c.property == sa.literal_column(f"'{ASSOCIATED}'")


@dataclass(frozen=True)
class CreationIntent:
    """A creation of which nobody knows yet what became of it, and the values that were sent."""

    id: int
    run_id: str
    day: str
    values: Mapping[str, str]


class Creation(NamedTuple):
    """An object that was created: the journal's row, and for which record of ours."""

    id: int
    subject_id: str
    object_id: str


def placeholder(subject_id: str) -> str:
    """Return what stands for the id of the object of a record of ours, as long as it is not known."""
    return f"{NEW}{subject_id}"


def creation(write: Write, values: Mapping[str, str]) -> Write:
    """Return a write as the intent of a creation with these values."""
    named = asdict(write) | {"object_id": placeholder(write.customer_id), "property": RECORD_ID, "before": ""}
    return Write(**named | {"after": json.dumps(dict(values), sort_keys=True)})


def receive_object(
    tx: sa.Connection, id: int, object_id: str, outcome: Outcome, at: datetime, reason: str | None = None
) -> None:
    """Keep the receipt of a creation: the object that was created, or that was there already."""
    receipt = {"status": outcome, "object_id": object_id, "after": object_id, "reason": reason}
    tx.execute(sa.update(journal).where(journal.c.id == id).values(**receipt, receipt_at=at))


def created_objects(tx: sa.Connection, object_type: str) -> dict[str, str]:
    """Return the objects that were created, or were there when they were to be, by our records' ids.

    One that was seen to be gone is none: a run that was killed may have archived it for another.
    """
    query = sa.select(journal.c.customer_id, journal.c.object_id).where(
        IS_CREATION,
        journal.c.object_type == object_type,
        journal.c.status.in_(CONFIRMED),
        sa.func.coalesce(journal.c.reason, "") != GONE,
    )
    return {row.customer_id: row.object_id for row in tx.execute(query.order_by(journal.c.id))}


def creations_to_check(tx: sa.Connection, object_type: str, since: datetime, until: datetime) -> list[Creation]:
    """Return the objects that were created between two moments, and were not looked up again since."""
    query = sa.select(journal.c.id, journal.c.customer_id, journal.c.object_id).where(
        IS_CREATION,
        journal.c.object_type == object_type,
        journal.c.status == "written",
        journal.c.reason.is_(None),
        journal.c.receipt_at.between(since, until),
    )
    return [Creation(*row) for row in tx.execute(query.order_by(journal.c.id))]


def withheld_creations(tx: sa.Connection, run_id: str, object_type: str) -> list[sa.RowMapping]:
    """Return our records for which a run created no object before a person decides, with why."""
    query = sa.select(journal.c.customer_id, journal.c.reason).where(
        IS_CREATION, journal.c.object_type == object_type, journal.c.run_id == run_id, journal.c.status == "held"
    )
    return list(tx.execute(query.order_by(journal.c.customer_id)).mappings())


def note_checked(tx: sa.Connection, ids: Sequence[int], reason: str) -> None:
    """Note on the rows of creations that the objects were looked up again."""
    tx.execute(sa.update(journal).where(journal.c.id.in_(ids)).values(reason=reason))


def pending_creations(tx: sa.Connection, object_type: str) -> dict[str, CreationIntent]:
    """Return the newest creation of each of our records of which nobody knows what became of it."""
    query = sa.select(journal).where(IS_CREATION, journal.c.object_type == object_type, journal.c.status.in_(PENDING))
    return {
        row.customer_id: CreationIntent(row.id, row.run_id, row.day, json.loads(row.after))
        for row in tx.execute(query.order_by(journal.c.id))
    }


def written_objects(tx: sa.Connection, object_type: str, subject_ids: Sequence[str]) -> dict[str, str]:
    """Return the object that was written last for each of some of our records, of those that have one."""
    objects: dict[str, str] = {}
    for start in range(0, len(subject_ids), AT_ONCE):
        some = subject_ids[start : start + AT_ONCE]
        query = sa.select(journal.c.customer_id, journal.c.object_id, sa.func.max(journal.c.id)).where(
            journal.c.object_type == object_type,
            journal.c.customer_id.in_(some),
            journal.c.status.in_(CONFIRMED),
        )
        rows = tx.execute(query.group_by(journal.c.customer_id, journal.c.object_id)).all()
        objects |= {subject: object_id for subject, object_id, _ in sorted(rows, key=lambda row: int(row[2]))}
    return objects


def association(write: Write, to: str, to_id: str) -> Write:
    """Return a write as that of an association with an object of another type."""
    return Write(**asdict(write) | {"property": ASSOCIATED, "before": "", "after": f"{to}/{to_id}"})


def associated(tx: sa.Connection, object_type: str, to: str) -> set[tuple[str, str]]:
    """Return the associations that HubSpot was seen to hold, or was made to, as pairs of object ids."""
    query = sa.select(journal.c.object_id, journal.c.after).where(
        IS_ASSOCIATION, journal.c.object_type == object_type, journal.c.status.in_(CONFIRMED)
    )
    return {(object_id, other[len(to) + 1 :]) for object_id, other in tx.execute(query) if other.startswith(f"{to}/")}


def associated_with(tx: sa.Connection, object_type: str, to: str) -> dict[str, set[str]]:
    """Return the associated objects of the first type by those of the second."""
    by_target: dict[str, set[str]] = {}
    for object_id, other in associated(tx, object_type, to):
        by_target.setdefault(other, set()).add(object_id)
    return by_target


def pending_associations(tx: sa.Connection, object_type: str, to: str) -> dict[tuple[str, str], list[int]]:
    """Return the journal's rows of associations without a known outcome, by pairs of object ids."""
    query = sa.select(journal.c.id, journal.c.object_id, journal.c.after).where(
        IS_ASSOCIATION, journal.c.object_type == object_type, journal.c.status.in_(PENDING)
    )
    pending: dict[tuple[str, str], list[int]] = {}
    for id, object_id, other in tx.execute(query):
        if other.startswith(f"{to}/"):
            pending.setdefault((object_id, other[len(to) + 1 :]), []).append(id)
    return pending


def created_by(tx: sa.Connection, run_id: str) -> dict[str, int]:
    """Count the objects that a run created, by their type."""
    of_run = (journal.c.run_id == run_id) & IS_CREATION & (journal.c.status == "written")
    query = sa.select(journal.c.object_type, sa.func.count().label("created")).where(of_run)
    return {row.object_type: row.created for row in tx.execute(query.group_by(journal.c.object_type))}
