"""What HubSpot is to hold: a desired record for each row of an object type's plan.

It is made column by column, as most values are those of thousands of records.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

import ibis
import pyarrow as pa

from gtm_platform.delivery.hubspot.object_type import ObjectType, Tables
from gtm_platform.delivery.hubspot.properties import wire_column


class DesiredRecord(NamedTuple):
    """The values that an object in HubSpot is to hold, and where each comes from."""

    subject_id: str  # of our record: a customer, a company
    object_id: str  # of HubSpot's
    values: Mapping[str, str]
    provenance: Mapping[str, str]


class PlanSlice(NamedTuple):
    """Some of the records of a plan, and how many come after them."""

    records: list[DesiredRecord]
    left: int


def plan(object_type: ObjectType, day: str, tables: Tables) -> list[DesiredRecord]:
    """Return what the objects are to hold, in the order of our records' ids."""
    return _records(object_type, day, object_type.plan(tables).order_by(object_type.subject).to_pyarrow())


def plan_after(object_type: ObjectType, day: str, tables: Tables, object_id: str, limit: int) -> PlanSlice:
    """Return what some objects are to hold: those that come after an id, in the order of ids, and how many are left.

    An object that several of our records claim is left out: nobody knows what it is to hold.
    """
    rows = object_type.plan(tables)
    rows = rows.filter(rows[object_type.key].fill_null("") != "")
    rows = rows.group_by(object_type.key).mutate(claims=lambda t: t.count())
    following = rows.filter((rows[object_type.key] > object_id) & (rows["claims"] == 1))
    following = following.mutate(following=following.count().over(ibis.window()))
    some = following.order_by(object_type.key).limit(limit).to_pyarrow()
    records = _records(object_type, day, some)
    return PlanSlice(records, some["following"][0].as_py() - len(records) if records else 0)


def plan_of(object_type: ObjectType, day: str, tables: Tables, object_id: str) -> list[DesiredRecord]:
    """Return what one object is to hold: nothing where nobody claims it, several records where several do."""
    rows = object_type.plan(tables)
    rows = rows.filter(rows[object_type.key] == object_id).order_by(object_type.subject)
    return _records(object_type, day, rows.to_pyarrow())


def _records(object_type: ObjectType, day: str, rows: pa.Table) -> list[DesiredRecord]:
    origins = [property.origin for property in object_type.properties]
    values = zip(*(wire_column(rows[origin.column]) for origin in origins), strict=True)
    rules = zip(*(wire_column(rows[origin.rule]) for origin in origins), strict=True)
    names, nothing = object_type.names, dict.fromkeys(object_type.names, "")
    cleared = rows[object_type.cleared].to_pylist() if object_type.cleared else repeat(False, len(rows))
    ids = (rows[name].to_pylist() for name in (object_type.subject, object_type.key))
    records = zip(*ids, values, rules, cleared, strict=True)
    return [
        DesiredRecord(
            subject,
            object_id,
            nothing if is_cleared else _values(object_type, names, row),
            _provenance(object_type, day, by),
        )
        for subject, object_id, row, by, is_cleared in records
    ]


def _values(object_type: ObjectType, names: Sequence[str], row: tuple[str | None, ...]) -> dict[str, str]:
    """A value that is not known leaves what HubSpot holds, or wipes it, as the object type says."""
    if object_type.clears_unknown:
        return {name: value or "" for name, value in zip(names, row, strict=True)}
    return {name: value for name, value in zip(names, row, strict=True) if value is not None}


@lru_cache(maxsize=1_000)
def _provenance(object_type: ObjectType, day: str, rules: tuple[str | None, ...]) -> dict[str, str]:
    """The same for thousands of records."""
    return {
        property.name: json.dumps(
            {"table": property.origin.table, "column": property.origin.column, "rule": rule, "day": day}
        )
        for property, rule in zip(object_type.properties, rules, strict=True)
    }
