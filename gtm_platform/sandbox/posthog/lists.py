"""The lists beside queries: persons, cohorts, and the old list of events."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.filters import parse_instant
from gtm_platform.sandbox.kit.paging import OffsetPaging, PageSize, whole_number
from gtm_platform.sandbox.posthog.access import invalid, not_found
from gtm_platform.sandbox.posthog.events import events
from gtm_platform.sandbox.posthog.hogql.span import Span
from gtm_platform.sandbox.posthog.store import PostHogPerson, PostHogStore
from gtm_platform.sandbox.posthog.tables import event_json, person_json

PAGING = OffsetPaging(PageSize(default=100, largest=1000))
MOST_EVENTS = 1000
_CREATOR = {
    "id": 1,
    "uuid": "00000000-0000-4000-8000-00000000000a",
    "first_name": "Sam",
    "email": "sam.lee@vendor.example",
}


class Lists:
    """Handlers of the lists."""

    def __init__(self, store: PostHogStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def persons(self, request: Request) -> dict[str, Any]:
        """Persons, the newest first, so that pages shift while people sign up."""
        sent = request.query_params
        rows = [person for person in self._newest() if _wanted(person, sent)]
        return self._page(request, rows)

    async def person(self, request: Request) -> dict[str, Any]:
        """One person by uuid."""
        result = self._store.persons.get(request.path_params["id"])
        if result is None or result.created > self._clock():
            raise not_found()
        return person_json(result)

    def _newest(self) -> list[PostHogPerson]:
        now = self._clock()
        persons = (person for person in self._store.persons.values() if person.created <= now)
        return sorted(persons, key=lambda person: (person.created, person.uuid), reverse=True)

    def _page(self, request: Request, rows: Sequence[PostHogPerson]) -> dict[str, Any]:
        page = PAGING.page(rows, request.query_params)
        limit = PAGING.size.read(request.query_params)
        offset = whole_number(request.query_params, "offset", 0)
        answer = {
            "next": _address(request, limit, page.next) if page.next is not None else None,
            "previous": _address(request, limit, max(0, offset - limit)) if offset else None,
            "results": [person_json(person) for person in page.rows],
        }
        return {"count": len(rows), **answer} if "include_total" in request.query_params else answer

    # --- cohorts ---

    async def cohorts(self, _: Request) -> dict[str, Any]:
        """The only cohort."""
        return {"count": 1, "next": None, "previous": None, "results": [self._cohort()]}

    async def cohort(self, request: Request) -> dict[str, Any]:
        """One cohort."""
        if request.path_params["id"] != "12":
            raise not_found()
        return self._cohort()

    async def cohort_persons(self, request: Request) -> dict[str, Any]:
        """The persons of a cohort."""
        await self.cohort(request)
        return self._page(request, self._named())

    def _named(self) -> list[PostHogPerson]:
        return [person for person in self._newest() if person.properties.get("company")]

    def _cohort(self) -> dict[str, Any]:
        made = self._store.recorded_from or self._clock()
        return {
            "id": 12, "name": "Company stated", "description": "", "groups": [],
            "filters": {"properties": {"type": "OR", "values": []}}, "query": None, "is_static": False,
            "is_calculating": False, "count": len(self._named()), "last_calculation": made.isoformat(),
            "errors_calculating": 0, "deleted": False, "cohort_type": None, "created_at": made.isoformat(),
            "created_by": _CREATOR, "experiment_set": [],
        }  # fmt: skip

    # --- events, as they were listed before there were queries ---

    async def events(self, request: Request) -> dict[str, Any]:
        """Events, the newest first; `next` goes on before the last timestamp, which skips events of the same one."""
        sent, now = request.query_params, self._clock()
        limit = min(whole_number(sent, "limit", 100), MOST_EVENTS)
        before, after = _instant(sent, "before", now), _instant(sent, "after", now - timedelta(days=1))
        wanted = Span(after, before, frozenset({sent["event"]}) if "event" in sent else None)
        rows = [
            event
            for event in events(self._store, wanted, now)
            if after < event.timestamp < before
            and sent.get("event") in (None, event.event)
            and sent.get("person_id") in (None, event.person.uuid)
            and sent.get("distinct_id") in (None, *event.person.distinct_ids)
        ]
        rows.sort(key=lambda event: (event.timestamp, event.uuid), reverse=True)
        page = rows[:limit]
        following = request.url.include_query_params(before=page[-1].timestamp.isoformat()) if rows[limit:] else None
        return {"next": str(following) if following else None, "results": [event_json(event) for event in page]}


def _instant(sent: Mapping[str, str], name: str, default: datetime) -> datetime:
    if name not in sent:
        return default
    result = parse_instant(sent[name].replace(" ", "+"))
    if result is None:
        raise invalid(f"{name} is no date.", name)
    return result


def _wanted(person: PostHogPerson, sent: Mapping[str, str]) -> bool:
    properties = person.properties
    if "email" in sent and properties.get("email") != sent["email"]:
        return False
    if "distinct_id" in sent and sent["distinct_id"] not in person.distinct_ids:
        return False
    if "search" in sent:
        texts = (*person.distinct_ids, properties.get("email", ""), properties.get("name", ""))
        if not any(sent["search"].lower() in each.lower() for each in texts):
            return False
    return all(_fits(properties, each) for each in _filters(sent))


def _filters(sent: Mapping[str, str]) -> list[dict[str, Any]]:
    try:
        result = json.loads(sent.get("properties", "[]"))
    except ValueError as error:
        raise invalid("Properties are unparsable!", "properties") from error
    return result if isinstance(result, list) else [result]


def _fits(properties: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    value, expected = properties.get(condition.get("key", "")), condition.get("value")
    match condition.get("operator", "exact"):
        case "exact":
            return value in expected if isinstance(expected, list) else value == expected
        case "icontains":
            return str(expected).lower() in str(value or "").lower()
        case "is_set":
            return value is not None
        case "is_not_set":
            return value is None
    raise invalid(f"The operator {condition['operator']} is not supported.", "properties")


def _address(request: Request, limit: int, offset: Any) -> str:
    return str(request.url.include_query_params(limit=limit, offset=offset))
