"""The tables that queries read: events, persons, distinct ids and groups, and how their columns are named."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.posthog.events import PostHogEvent, events
from gtm_platform.sandbox.posthog.hogql.meaning import Reader
from gtm_platform.sandbox.posthog.hogql.query import Table
from gtm_platform.sandbox.posthog.hogql.span import Span
from gtm_platform.sandbox.posthog.store import PostHogPerson, PostHogStore
from gtm_platform.sandbox.posthog.web_visits import web_visits

_PERSON: Mapping[str, Reader] = {
    "id": lambda person: person.uuid,
    "created_at": lambda person: person.created,
    "properties": lambda person: json.dumps(person.properties),
    "is_identified": lambda person: person.is_identified,
}
_EVENT: Mapping[str, Reader] = {
    "uuid": lambda event: event.uuid,
    "event": lambda event: event.event,
    "properties": lambda event: json.dumps(event.properties),
    "timestamp": lambda event: event.timestamp,
    "created_at": lambda event: event.created,
    "distinct_id": lambda event: event.distinct_id,
    "person_id": lambda event: event.person.uuid,
    "elements_chain": lambda _: "",
    "$session_id": lambda event: event.session,
    "$window_id": lambda event: event.session,
    "$group_0": lambda event: event.person.group or "",
    **{f"$group_{number}": lambda _: "" for number in range(1, 5)},
}
_EVENT_COLUMNS = (
    "uuid",
    "event",
    "properties",
    "timestamp",
    "distinct_id",
    "elements_chain",
    "created_at",
    "person_id",
)
_DISTINCT_IDS: Mapping[str, Reader] = {
    "distinct_id": lambda row: row[1],
    "person_id": lambda row: row[0].uuid,
}
_GROUPS: Mapping[str, Reader] = {
    "index": lambda _: 0,
    "key": lambda row: row[0],
    "properties": lambda row: json.dumps(row[1]),
    "created_at": lambda row: row[2],
    "updated_at": lambda row: row[2],
}


def tables(store: PostHogStore, now: datetime) -> Callable[[str], Table | None]:
    """The tables by name, as they are at an instant."""

    def persons(_: Span) -> Iterable[PostHogPerson]:
        return (person for person in store.persons.values() if person.created <= now)

    def event_column(path: tuple[str, ...]) -> Reader | None:
        return _event_column(store, path)

    by_name = {
        "events": Table(lambda span: _events(store, span, now), _EVENT_COLUMNS, event_column, timed=True),
        "persons": Table(persons, tuple(_PERSON), _person_column),
        "person_distinct_ids": Table(
            lambda span: ((person, id_) for person in persons(span) for id_ in person.distinct_ids),
            tuple(_DISTINCT_IDS),
            lambda path: _DISTINCT_IDS.get(path[-1]),
        ),
        "groups": Table(
            lambda _: ((key, properties, store.recorded_from) for key, properties in store.groups.items()),
            tuple(_GROUPS),
            _group_column,
        ),
    }
    return by_name.get


def _events(store: PostHogStore, span: Span, now: datetime) -> Iterable[PostHogEvent]:
    """What people did in the product, and on the web site."""
    yield from events(store, span, now)
    yield from web_visits(store, span.first, span.last, now)


def _event_column(store: PostHogStore, path: tuple[str, ...]) -> Reader | None:
    path = path[1:] if path[0] in ("events", "e") and len(path) > 1 else path
    if len(path) == 1:
        return _EVENT.get(path[0])
    if path[0] == "properties" and len(path) == 2:
        return lambda event: property_value(event.properties, path[1])
    if path[0] == "person":
        inner = _person_column(path[1:])
        return None if inner is None else lambda event: inner(event.person)
    if path[0] == "group_0" and path[1] == "properties" and len(path) == 3:
        return lambda event: property_value(store.groups.get(event.person.group or "", {}), path[2])
    return None


def _person_column(path: tuple[str, ...]) -> Reader | None:
    path = path[1:] if path[0] in ("persons", "p") and len(path) > 1 else path
    if path == ("pdi", "distinct_id"):
        return lambda person: person.distinct_ids[0]
    if len(path) == 2 and path[0] == "properties":
        return lambda person: property_value(person.properties, path[1])
    return _PERSON.get(path[0]) if len(path) == 1 else None


def _group_column(path: tuple[str, ...]) -> Reader | None:
    if len(path) == 2 and path[0] == "properties":
        return lambda row: property_value(row[1], path[1])
    return _GROUPS.get(path[-1])


def property_value(properties: Mapping[str, Any], name: str) -> str | None:
    """A property as queries see it: text, and null where it is missing or empty."""
    value = properties.get(name)
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def event_json(event: PostHogEvent) -> dict[str, Any]:
    """An event as the list of events shows it."""
    person = event.person
    return {
        "id": event.uuid,
        "distinct_id": event.distinct_id,
        "properties": event.properties,
        "event": event.event,
        "timestamp": event.timestamp.isoformat(timespec="microseconds"),
        "person": {
            "is_identified": person.is_identified,
            "distinct_ids": person.distinct_ids,
            "properties": person.properties,
        },
        "elements": [],
        "elements_chain": "",
    }


def person_json(person: PostHogPerson) -> dict[str, Any]:
    """A person as the list of persons shows it."""
    name = person.properties.get("email") or person.properties.get("name") or person.distinct_ids[0]
    return {
        "id": person.uuid,
        "uuid": person.uuid,
        "name": name,
        "distinct_ids": person.distinct_ids,
        "created_at": person.created.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "properties": person.properties,
    }
