"""What HubSpot is to hold: a desired record for each row of an object type's plan.

It is made column by column, as most values are those of thousands of records.
"""

import json
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

import ibis
import pyarrow as pa

from gtm_platform.delivery.hubspot.object_type import Matching, ObjectType, Tables
from gtm_platform.delivery.hubspot.properties import wire, wire_column


class Unmatched(NamedTuple):
    """What an object is recognised by of which we have no id, and what it would be created with."""

    by_key: tuple[tuple[str, ...], ...]  # our values, by the matching's keys
    created_with: Mapping[str, str]  # of HubSpot's own properties


class DesiredRecord(NamedTuple):
    """The values that an object in HubSpot is to hold, and where each comes from."""

    subject_id: str  # of our record: a customer, a company
    object_id: str  # of HubSpot's; "" where we know of none
    values: Mapping[str, str]
    provenance: Mapping[str, str]
    unmatched: Unmatched | None = None  # where there is no object id


class PlanSlice(NamedTuple):
    """Some of the records of a plan, and how many come after them."""

    records: list[DesiredRecord]
    left: int


def plan(object_type: ObjectType, day: str, tables: Tables, created: Set[str] = frozenset()) -> list[DesiredRecord]:
    """Return what the objects are to hold, in the order of our records' ids.

    Records without an object in HubSpot are planned where they are in one of the groups of which it is created.
    """
    return _records(object_type, day, object_type.plan(tables).order_by(object_type.subject).to_pyarrow(), created)


def plan_after(object_type: ObjectType, day: str, tables: Tables, object_id: str, limit: int) -> PlanSlice:
    """Return what the objects after an id are to hold, in the order of ids, and how many are left.

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
    """Return what one object is to hold: no record where nobody claims it, several where several do."""
    rows = object_type.plan(tables)
    rows = rows.filter(rows[object_type.key] == object_id).order_by(object_type.subject)
    return _records(object_type, day, rows.to_pyarrow())


def _records(object_type: ObjectType, day: str, rows: pa.Table, created: Set[str] = frozenset()) -> list[DesiredRecord]:
    origins = [property.origin for property in object_type.properties]
    values = zip(*(wire_column(rows[origin.column]) for origin in origins), strict=True)
    rules = zip(*(wire_column(rows[origin.rule]) for origin in origins), strict=True)
    names, nothing = object_type.names, dict.fromkeys(object_type.names, "")
    cleared = rows[object_type.cleared].to_pylist() if object_type.cleared else repeat(False, len(rows))
    ids = (rows[name].to_pylist() for name in (object_type.subject, object_type.key))
    wiped = _wiped(object_type, rows)
    records = zip(*ids, values, rules, cleared, wiped, _unmatched(object_type, rows, created), strict=True)
    return [
        DesiredRecord(
            subject,
            object_id or "",
            nothing if is_cleared else none | _values(object_type, names, row),
            _provenance(object_type, day, by),
            None if object_id else unmatched,
        )
        for subject, object_id, row, by, is_cleared, none, unmatched in records
        if object_id or unmatched
    ]


def _wiped(object_type: ObjectType, rows: pa.Table) -> Sequence[Mapping[str, str]]:
    """For each row the properties of which it is known that there is no value, each with none."""
    wiped: list[dict[str, str]] = [{}] * len(rows)
    for table, column in object_type.lacking.items():
        of_table = {each.name: "" for each in object_type.properties if each.origin.table == table}
        lacks = rows[column].to_pylist()
        wiped = [before | of_table if lacking else before for before, lacking in zip(wiped, lacks, strict=True)]
    return wiped


def _unmatched(object_type: ObjectType, rows: pa.Table, created: Set[str]) -> Sequence[Unmatched | None]:
    """For each row what it is recognised by, where it has no object and one may be created."""
    matching = object_type.matching
    if matching is None:
        return [None] * len(rows)
    objects, groups = rows[object_type.key].to_pylist(), rows[matching.group].to_pylist()
    wanting = [not object_id and group in created for object_id, group in zip(objects, groups, strict=True)]
    few = iter(rows.filter(pa.array(wanting)).select(matching.columns).to_pylist() if any(wanting) else ())
    return [_unmatched_of(matching, next(few)) if is_wanting else None for is_wanting in wanting]


def _unmatched_of(matching: Matching, row: Mapping[str, object]) -> Unmatched:
    created_with = {name: wire(row[column]) or "" for name, column in matching.created_with.items()}
    by_key = tuple(_texts(row[key.column]) for key in matching.keys)
    return Unmatched(by_key, {name: value for name, value in created_with.items() if value})


def _texts(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text.strip().lower() for text in texts if isinstance(text, str) and text.strip()))


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
