"""What HubSpot is known to have of each object: a narrow table beside the journal, made of it in its own transactions.

To know what is to be sent, each run compares every object with it, so it is read whole: the journal itself has a row
for each field that was ever written.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import groupby

import orjson
import sqlalchemy as sa

from gtm_platform.state.schema import ASSOCIATED, RECORD_ID
from gtm_platform.state.schema import hubspot_confirmed as confirmed
from gtm_platform.state.schema import hubspot_writes as journal

CONFIRMED = ("written", "unchanged")  # HubSpot held the value at that moment, and it was ours
OBJECTS_AT_ONCE = 500
NOTHING = "{}"

Object = tuple[str, str]  # object type, object id


def as_text(values: Mapping[str, str]) -> str:
    """Write values as the table has them: those that are not empty, in the order of their names."""
    filled = {name: value for name, value in values.items() if value}
    return orjson.dumps(filled, option=orjson.OPT_SORT_KEYS).decode()


def values_of(text: str) -> dict[str, str]:
    """Read values as the table has them; what is missing is empty."""
    values: dict[str, str] = orjson.loads(text)
    return values


def last_confirmed(
    tx: sa.Connection, object_type: str, properties: Collection[str], ids: Collection[str] | None = None
) -> dict[str, str | None]:
    """Return by object what was confirmed last, as text; None where one of the properties is in doubt.

    So is one that was held or rejected last. Of few `ids` only theirs is read.
    """
    columns = (confirmed.c.object_id, confirmed.c.doubts, confirmed.c.confirmed)
    query = sa.select(*columns).where(confirmed.c.object_type == object_type)
    if ids is not None and len(ids) <= OBJECTS_AT_ONCE:
        query = query.where(confirmed.c.object_id.in_(list(ids)))
    rows = tx.execute(query)
    names = frozenset(properties)
    return {
        object_id: None if doubts and not names.isdisjoint(doubts.split(",")) else text
        for object_id, doubts, text in rows
    }


def note_outcomes(tx: sa.Connection, objects: Iterable[Object]) -> None:
    """Bring the table to what the journal says of some objects now; part of each change of the journal."""
    ids: dict[str, dict[str, None]] = {}
    for object_type, object_id in objects:
        ids.setdefault(object_type, {})[object_id] = None
    for object_type, of_type in ids.items():
        unique = list(of_type)
        for start in range(0, len(unique), OBJECTS_AT_ONCE):
            _renew(tx, object_type, unique[start : start + OBJECTS_AT_ONCE])


def of_value() -> tuple[sa.Column[str], sa.Column[str]]:
    """Return the columns of the journal that name a field of an object of one type."""
    return journal.c.object_id, journal.c.property


def _renew(tx: sa.Connection, object_type: str, ids: Collection[str]) -> None:
    of_objects = (journal.c.object_type == object_type) & journal.c.object_id.in_(ids)
    of_objects &= journal.c.property.not_in((RECORD_ID, ASSOCIATED))
    newest = sa.select(sa.func.max(journal.c.id)).where(of_objects).group_by(*of_value())
    columns = (journal.c.object_id, journal.c.property, journal.c.after, journal.c.status)
    rows = tx.execute(sa.select(*columns).where(journal.c.id.in_(newest)).order_by(journal.c.object_id)).all()
    tx.execute(sa.delete(confirmed).where(confirmed.c.object_type == object_type, confirmed.c.object_id.in_(ids)))
    renewed = [_row(object_type, id, [*fields]) for id, fields in groupby(map(tuple, rows), key=lambda row: row[0])]
    if renewed:
        tx.execute(sa.insert(confirmed), renewed)


def _row(object_type: str, object_id: str, fields: Collection[tuple[str, ...]]) -> dict[str, object]:
    values = {name: after for _, name, after, status in fields if status in CONFIRMED}
    return {
        "object_type": object_type,
        "object_id": object_id,
        "doubts": ",".join(sorted(name for _, name, _, status in fields if status not in CONFIRMED)),
        "confirmed": as_text(values),
    }
