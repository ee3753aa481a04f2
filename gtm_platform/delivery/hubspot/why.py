"""Why a value stands in HubSpot: the rule, day and source records that made it, and what became of it run by run."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from gtm_platform.delivery.gate import newest_day
from gtm_platform.delivery.hubspot.client import HubSpotIsOff, HubSpotObjects, open_client
from gtm_platform.delivery.hubspot.day_delivery import missing_tables, read_tables
from gtm_platform.delivery.hubspot.history import author_of
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.object_types import delivered_types
from gtm_platform.delivery.hubspot.plan import DesiredRecord, plan_of
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.http.errors import ApiFailure
from gtm_platform.identity import links
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.source_columns import SourceColumns
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_journal import story
from gtm_platform.unified.customers import TABLE as CUSTOMERS

RECORDS_SHOWN = 20
PHRASES = {
    "written": "written",
    "unchanged": "already so in HubSpot",
    "held": "held",
    "rejected": "rejected",
    "intent": "sent, no answer yet",
    "unknown": "sent, outcome unknown",
}


class NoSuchValue(LookupError):
    """No object or property of that name is delivered; the sentence says which are."""


@dataclass(frozen=True)
class Subject:
    """A property of one object in HubSpot."""

    object_type: ObjectType
    object_id: str
    name: str

    @classmethod
    def of(cls, reference: str, name: str) -> "Subject":
        """Read `contacts:501` or `contact:501`; raise a sentence where there is no such type or property."""
        kind, colon, object_id = reference.partition(":")
        types = {word: each for each in delivered_types() for word in (each.name, each.label, each.type_id)}
        if not colon or kind not in types or not object_id:
            forms = " or ".join(f"{each.name}:ID" for each in delivered_types())
            raise NoSuchValue(f"{reference} names no object: write one as {forms}.")
        if name not in types[kind].by_name:
            raise NoSuchValue(f"{name} is not delivered to {kind}; what is: {', '.join(types[kind].names)}.")
        return cls(types[kind], object_id, name)


def why(lake: Lake, subject: Subject, lineage: SourceColumns) -> str:
    """Explain a value, in lines to read."""
    day = newest_day(lake)
    lines = [f"{subject.object_type.label} {subject.object_id}, {subject.name}", ""]
    lines += _wanted(lake, subject, day, lineage) if day else ["No day was made yet, so nothing is wanted."]
    lines += ["", *_now_in_hubspot(subject), "", *_story(subject)]
    return "\n".join(lines)


def _wanted(lake: Lake, subject: Subject, day: str, lineage: SourceColumns) -> Iterator[str]:
    """Say what is wanted, by which rule, and of which source records it is made."""
    object_type, origin = subject.object_type, subject.object_type.by_name[subject.name].origin
    if missing := missing_tables(lake, day, object_type.inputs):
        yield f"Wanted: nothing is known, as {' and '.join(missing)} have no {day} yet."
        return
    tables = read_tables(lake, day, object_type.inputs, object_type.days_back)
    records = plan_of(object_type, day, tables, subject.object_id)
    if not records:
        yield f"Wanted: nothing. No record of ours belongs to this {object_type.label} on {day}."
        return
    if len(records) > 1:
        claims = ", ".join(record.subject_id for record in records)
        yield f"Wanted: nothing, as several records claim this {object_type.label}: {claims}."
        return
    [record] = records
    value = record.values.get(subject.name)
    shown = None if value is None else object_type.by_name[subject.name].shown(value)
    yield "Wanted: " + ("nothing is known, so it is left as it is" if shown is None else repr(shown))
    rule = json.loads(record.provenance[subject.name])["rule"] if subject.name in record.provenance else None
    yield f"  of {record.subject_id} on {day}: {origin.table}.{origin.column}, by {origin.rule} {rule or 'unknown'}"
    columns = lineage.of(origin.table, [origin.column])
    for table, names in _by_table(columns).items():
        yield f"  made of {table}: {', '.join(names) or 'as a whole'}"
    for line in _source_records(lake, object_type, record, day, {table.split("/")[0] for table, _ in columns}):
        yield f"  {line}"


def _by_table(columns: set[tuple[str, str]]) -> Mapping[str, list[str]]:
    tables: dict[str, list[str]] = {}
    for table, name in sorted(columns):
        tables.setdefault(table, []).extend([name] if name else [])
    return tables


def _source_records(
    lake: Lake, object_type: ObjectType, record: DesiredRecord, day: str, sources: set[str]
) -> Iterator[str]:
    """Yield the records of sources that belong to the customer, or to the customers of the company."""
    customers = [record.subject_id]
    if object_type.subject != "customer_id":
        people = lake.partition(CUSTOMERS.key, day)
        of_subject = people.filter(people[object_type.subject] == record.subject_id)
        customers = of_subject.select("customer_id").to_pyarrow()["customer_id"].to_pylist()
    rows = lake.partition(links.TABLE.key, day)
    rows = rows.filter(rows["customer_id"].isin(customers or [""])).select("source", "record_id")
    names = sorted(f"{row['source']}:{row['record_id']}" for row in rows.to_pyarrow().to_pylist())
    read = [name for name in names if not sources or name.split(":")[0] in sources]
    if read:
        more = f" and {len(read) - RECORDS_SHOWN:,} more" if len(read) > RECORDS_SHOWN else ""
        yield f"source records: {', '.join(read[:RECORDS_SHOWN])}{more}"


def _now_in_hubspot(subject: Subject) -> Iterator[str]:
    """Say what HubSpot has now, and who set it."""
    try:
        with closing(open_client(settings_of(HubSpotDeliverySettings), pin=False)) as client:
            objects = HubSpotObjects(client, subject.object_type)
            current = objects.read([subject.object_id]).get(subject.object_id)
            history = objects.read_history([subject.object_id], [subject.name]).get(subject.object_id, {})
            author = author_of(history.get(subject.name) or [], objects.own_app)
    except (HubSpotIsOff, ApiFailure) as failure:
        yield f"In HubSpot: not asked. {failure}"
        return
    if current is None:
        yield f"In HubSpot: there is no live {subject.object_type.label} with this id."
        return
    shown = subject.object_type.by_name[subject.name].shown(current.get(subject.name, ""))
    yield f"In HubSpot: {shown!r}" + (f", set by {author}" if author else "")


def _story(subject: Subject) -> Iterator[str]:
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        rows = story(tx, subject.object_type.name, subject.object_id, subject.name)
    yield "Journal:" if rows else "Journal: it was never to be written."
    for row in rows:
        yield f"  {_entry(dict(row))}"


def _entry(row: Mapping[str, Any]) -> str:
    at, made_by = row["receipt_at"] or row["at"], json.loads(row["provenance"])
    what = f"{PHRASES.get(row['status'], row['status'])}: {row['before']!r} -> {row['after']!r}"
    by = f", {row['before']!r} was set by {_author(row)}" if row["author_at"] or row["author"] else ""
    source = f"{made_by['table']} of {made_by['day']}" if "table" in made_by else "an undo"
    reason = f". {row['reason']}" if row["reason"] else ""
    return f"{at:%Y-%m-%d %H:%M} run {row['run_id'][:8]}, {source}: {what}{by}{reason}"


def _author(row: Mapping[str, Any]) -> str:
    when = f" on {row['author_at']:%Y-%m-%d %H:%M}" if row["author_at"] else ""
    return f"{row['cause']} {row['author'] or ''}".strip() + when
