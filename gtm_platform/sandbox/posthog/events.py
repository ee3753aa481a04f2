"""The events of a person, made of their logins when they are read: the same ones each time, as nothing is stored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from gtm_platform.sandbox.kit.activity import Activity
from gtm_platform.sandbox.posthog.hogql.span import Span
from gtm_platform.sandbox.posthog.store import PostHogPerson, PostHogStore

SIGNED_UP, LOGGED_IN = "user_signed_up", "user_logged_in"
_FEATURES = ("list_searched", "lead_enriched", "export_started", "dashboard_viewed", "collection_queried", "$pageview")
_INGESTION = timedelta(seconds=2)
_INSTANT = timedelta(microseconds=1)
_WEB = {"$lib": "web"}


@dataclass(slots=True)
class PostHogEvent:
    """Something that a person did; `created` is when PostHog got it. Events of one login form a session."""

    event: str
    timestamp: datetime
    created: datetime
    person: PostHogPerson
    login: datetime
    place: int  # in the session
    properties: dict[str, Any]

    @property
    def uuid(self) -> str:
        """Of version 7, which begins with the time; the rest is the person's."""
        milliseconds = int(self.login.timestamp() * 1000)
        tail = int(self.person.uuid.replace("-", ""), 16) & (2**74 - 1)
        low = (0b10 << 62) | ((tail & (2**62 - 1)) ^ self.place)
        text = f"{(milliseconds << 80) | (7 << 76) | ((tail >> 62) << 64) | low:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    @property
    def session(self) -> str:
        """The id of its session."""
        text = self.uuid
        return f"{text[:-4]}{self.person.uuid[-4:]}"

    @property
    def distinct_id(self) -> str:
        """The id under which it was sent."""
        return self.person.distinct_ids[0]


def events(store: PostHogStore, span: Span, now: datetime) -> Iterator[PostHogEvent]:
    """The events of a span, as far as PostHog has got them by now, person by person."""
    first = max(span.first, store.recorded_from or span.first)
    last = min(span.last, now)
    for person in store.persons.values():
        if person.created > now or not span.has_person(person.uuid):
            continue
        for day in _days(person, span, first.date(), last):
            for event in events_on(person, day):
                if first <= event.timestamp <= last and event.created <= now + _INGESTION and span.has(event.event):
                    yield event


def _days(person: PostHogPerson, span: Span, first: date, until: datetime) -> Iterable[date]:
    """The days from a first one until an instant on which a person did something that is wanted."""
    use, last = person.use, until.date()
    if use is None:
        came = person.created.date()
        return [came] if first <= came <= last else []
    signed_up = use.signed_up.date()
    signups = [signed_up] if max(first, use.first_day) <= signed_up <= last else []
    if span.events is not None and span.events <= {SIGNED_UP}:
        return signups
    return sorted({*use.days(first, last, until + _INSTANT), *signups})


def events_on(person: PostHogPerson, day: date) -> list[PostHogEvent]:
    """All events of a day, in their order."""
    if person.use is None:
        return _visit(person) if day == person.created.date() else []
    sequence: list[PostHogEvent] = []
    signed_up = person.use.signed_up
    if person.signup_ingested and day == signed_up.date():
        sequence.append(PostHogEvent(SIGNED_UP, signed_up, person.signup_ingested, person, signed_up, 0, person.signup))
    logins = person.use.logins(day)
    if logins:
        end = datetime.combine(day, time(23, 59, 59), UTC)
        digest = person.use.digest(day)
        for number, login in enumerate(logins):
            _use(sequence, person, login, digest, number, end)
        sequence.sort(key=lambda event: event.timestamp)
    return sequence


def _use(
    sequence: list[PostHogEvent], person: PostHogPerson, login: datetime, digest: bytes, number: int, end: datetime
) -> None:
    """The login and some features that were used within half an hour; some at the very same microsecond."""
    seed = digest[9 + number]
    sequence.append(PostHogEvent(LOGGED_IN, login, login + _INGESTION, person, login, 1, _WEB))
    at = login
    for place in range(1 + seed % 4):
        if place or seed % 10:
            gap = timedelta(seconds=7 + digest[12 + (number + place) % 8] * 3, microseconds=1000 * seed)
            at = min(at + gap, end)
        name = _FEATURES[(seed + place * 5 + digest[20]) % len(_FEATURES)]
        properties = {"$lib": "web", "$current_url": f"https://product.example/lists/{seed}"}
        sequence.append(
            PostHogEvent(
                name, at, at + _INGESTION, person, login, 2 + place, properties if name == "$pageview" else _WEB
            )
        )


def _visit(person: PostHogPerson) -> list[PostHogEvent]:
    """An anonymous visitor looked at one page."""
    properties = {"$lib": "web", "$current_url": "https://product.example/pricing", "$process_person_profile": False}
    came = person.created
    return [PostHogEvent("$pageview", came, came + _INGESTION, person, came, 0, properties)]


def last_event(person: PostHogPerson, before: datetime) -> datetime | None:
    """The latest event before an instant; None where nothing was recorded."""
    use = person.use
    if use is None:
        return person.created
    day: date | None = before.date()
    while day is not None:
        sequence = [event.timestamp for event in events_on(person, day) if event.timestamp < before]
        if sequence:
            return max(sequence)
        midnight = datetime.combine(day, time(), UTC)
        day = _earlier(use, midnight)
    return None


def _earlier(use: Activity, before: datetime) -> date | None:
    return use.latest_day(before)
