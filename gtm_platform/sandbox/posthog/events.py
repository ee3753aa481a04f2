"""The events of a person, made of their logins when they are read: the same ones each time, as nothing is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from gtm_platform.sandbox.kit.activity import Activity
from gtm_platform.sandbox.posthog.store import PostHogPerson, PostHogStore

SIGNED_UP, LOGGED_IN = "user_signed_up", "user_logged_in"
_FEATURES = ("list_searched", "lead_enriched", "export_started", "dashboard_viewed", "collection_queried", "$pageview")
_INGESTION = timedelta(seconds=2)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class PostHogEvent:
    """Something that a person did; `created` is when PostHog got it."""

    uuid: str
    event: str
    timestamp: datetime
    created: datetime
    person: PostHogPerson
    session: str
    properties: dict[str, Any]

    @property
    def distinct_id(self) -> str:
        """The id under which it was sent."""
        return self.person.distinct_ids[0]


def events(store: PostHogStore, first: datetime, last: datetime, now: datetime) -> Iterator[PostHogEvent]:
    """The events from one instant to another, as far as PostHog has got them by now, person by person."""
    first = max(first, store.recorded_from or first)
    last = min(last, now + _DAY)
    for person in store.persons.values():
        if person.created > now:
            continue
        day = max(first.date(), person.use.first_day if person.use else person.created.date())
        while day <= last.date():
            for event in events_on(person, day):
                if first <= event.timestamp <= min(last, now) and event.created <= now + _INGESTION:
                    yield event
            day += _DAY


def events_on(person: PostHogPerson, day: date) -> list[PostHogEvent]:
    """All events of a day, in their order."""
    if person.use is None:
        return _visit(person, day)
    found: list[PostHogEvent] = []
    signed_up = person.use.signed_up
    if person.signup_ingested and day == signed_up.date():
        uuid = _uuid(person, signed_up, 0)
        found.append(
            PostHogEvent(uuid, SIGNED_UP, signed_up, person.signup_ingested, person, _session(uuid), person.signup)
        )
    logins = person.use.logins(day)
    if logins:
        end = datetime.combine(day, time(23, 59, 59), UTC)
        digest = person.use.digest(day)
        for number, login in enumerate(logins):
            found += _after_login(person, login, digest, number, end)
    found.sort(key=lambda event: (event.timestamp, event.uuid))
    return found


def _after_login(
    person: PostHogPerson, login: datetime, digest: bytes, number: int, end: datetime
) -> Iterator[PostHogEvent]:
    """The login and some features that were used within half an hour; some at the very same microsecond."""
    seed = digest[9 + number]
    first = PostHogEvent(_uuid(person, login, 1), LOGGED_IN, login, login + _INGESTION, person, "", {"$lib": "web"})
    first.session = _session(first.uuid)
    yield first
    at = login
    for place in range(1 + seed % 4):
        gap = 0 if place == 0 and seed % 10 == 0 else 7 + digest[12 + (number + place) % 8] * 3
        at = min(at + timedelta(seconds=gap, microseconds=1000 * seed if gap else 0), end)
        name = _FEATURES[(seed + place * 5 + digest[20]) % len(_FEATURES)]
        properties: dict[str, Any] = {"$lib": "web", "plan_seats": 1 + seed % 5}
        if name == "$pageview":
            properties["$current_url"] = f"https://product.example/lists/{seed}"
        uuid = _uuid(person, login, 2 + place)
        yield PostHogEvent(uuid, name, at, at + _INGESTION, person, first.session, properties)


def _visit(person: PostHogPerson, day: date) -> list[PostHogEvent]:
    """An anonymous visitor looked at one page."""
    if day != person.created.date():
        return []
    uuid = _uuid(person, person.created, 0)
    properties = {"$lib": "web", "$current_url": "https://product.example/pricing", "$process_person_profile": False}
    return [
        PostHogEvent(uuid, "$pageview", person.created, person.created + _INGESTION, person, _session(uuid), properties)
    ]


def last_event(person: PostHogPerson, before: datetime) -> datetime | None:
    """The latest event before an instant; None where nothing was recorded."""
    use = person.use
    if use is None:
        return person.created
    day: date | None = before.date()
    while day is not None:
        found = [event.timestamp for event in events_on(person, day) if event.timestamp < before]
        if found:
            return max(found)
        midnight = datetime.combine(day, time(), UTC)
        day = _earlier(use, midnight)
    return None


def _earlier(use: Activity, before: datetime) -> date | None:
    return use.latest_day(before)


def _uuid(person: PostHogPerson, at: datetime, place: int) -> str:
    """Of version 7, which begins with the time; the rest is the person's."""
    milliseconds = int(at.timestamp() * 1000)
    tail = int(person.uuid.replace("-", ""), 16) & (2**74 - 1)
    low = (0b10 << 62) | ((tail & (2**62 - 1)) ^ place)
    return str(UUID(int=(milliseconds << 80) | (7 << 76) | ((tail >> 62) << 64) | low))


def _session(uuid: str) -> str:
    return f"{uuid[:14]}7{uuid[15:]}"
