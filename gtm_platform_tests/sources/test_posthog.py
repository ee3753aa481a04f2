"""PostHog's queries against its emulator: how they go on, what comes late, who is nobody, how long a refusal lasts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gtm_platform.http.errors import CursorLoop, Forbidden
from gtm_platform.http.pages import get_path
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.posthog import PROJECT_ID, TOKEN, app
from gtm_platform.sandbox.posthog.store import PostHogPerson, PostHogStore
from gtm_platform.sources.posthog import client, streams
from gtm_platform.sources.posthog.client import PostHog
from gtm_platform.sources.posthog.records import Person, Signup
from gtm_platform.sources.posthog.settings import PostHogSettings
from gtm_platform.sources.posthog.source import SOURCE
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources.conftest import Stand

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNED_UP = FIRST + timedelta(hours=9)
LATE = FIRST + timedelta(hours=50)  # when the signup came, which happened on the first day
ANONYMOUS = "0190b5a2-7c1e-7d3a-9f00-00000000000{}"


class Habit:
    """Logins by day, at the same instants for everybody who has the habit."""

    signed_up = SIGNED_UP
    first_day = FIRST.date()

    def __init__(self, *logins: datetime) -> None:
        self._logins = logins

    def digest(self, day: date) -> bytes:  # noqa: ARG002  every day brings the same
        return bytes(range(24))

    def logins(self, day: date) -> list[datetime]:
        return [login for login in self._logins if login.date() == day]

    def count(self, first: date, last: date, before: datetime) -> int:
        return sum(first <= login.date() <= last and login < before for login in self._logins)

    def days(self, first: date, last: date, before: datetime) -> Iterator[date]:
        days = {login.date() for login in self._logins if login < before}
        return iter(sorted(day for day in days if first <= day <= last))

    def latest_day(self, before: datetime) -> date | None:
        return max((login.date() for login in self._logins if login < before), default=None)

    def latest(self, before: datetime) -> datetime:
        return max((login for login in self._logins if login < before), default=self.signed_up)


def person(number: int, *logins: datetime, ids: tuple[str, ...] = (), **properties: Any) -> PostHogPerson:
    distinct_ids = list(ids) or [ANONYMOUS.format(number), f"usr_{number}"]
    uuid = f"{number}0000000-0000-4000-8000-000000000000"
    return PostHogPerson(uuid, SIGNED_UP, distinct_ids, properties, Habit(*logins))


@pytest.fixture
def store() -> PostHogStore:
    noon, evening = FIRST + timedelta(hours=12), FIRST + timedelta(hours=23, minutes=59)
    people = [
        person(1, noon, evening, noon + DAY, email="ann@acme.example", company="Acme"),
        person(2, noon, noon + 2 * DAY, email="", use_case="rag"),
        person(3, evening, ids=(ANONYMOUS.format(3), "Bob@acme.example")),
    ]
    people[1].signup, people[1].signup_ingested = {"$lib": "posthog-python"}, LATE
    people[1].properties |= {"$initial_utm_source": "news", "$initial_referring_domain": "$direct"}
    visitor = PostHogPerson("90000000-0000-4000-8000-000000000000", noon, [ANONYMOUS.format(9)], {}, None)
    return PostHogStore({each.uuid: each for each in (*people, visitor)}, recorded_from=FIRST - 3 * DAY)


@pytest.fixture
def clock() -> Clock:
    return Clock(FIRST + 10 * DAY)


@pytest.fixture
def posthog(stand: Stand, store: PostHogStore, clock: Clock) -> Iterator[PostHog]:
    stand.emulator = app(store, clock)
    with opened(stand) as posthog:
        yield posthog


def opened(stand: Stand) -> Any:
    settings = PostHogSettings(
        posthog_api_key=SecretStr(TOKEN), posthog_project_id=str(PROJECT_ID), posthog_host=stand.url
    )
    return client.connect(settings)


def all_of(end: datetime) -> Window:
    return Window(BEGINNING, end, full=True)


Stream = Callable[[PostHog, Window], Iterator[Any]]


@pytest.mark.faults("P5")
@pytest.mark.parametrize("stream", [streams.persons, streams.signups, streams.daily_usage])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_any_size_bring_the_same_rows(posthog: PostHog, clock: Clock, stream: Stream, size: int) -> None:
    """Also where people sign up in one instant: the only source whose pages begin after a time, not at a cursor."""
    in_one = [row.document for page in stream(posthog, all_of(clock())) for row in page]
    read = [row.document for page in stream(replace(posthog, page_size=size), all_of(clock())) for row in page]
    assert in_one
    assert read == in_one


def test_a_long_past_is_asked_for_in_spans(
    posthog: PostHog, clock: Clock, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one = [row.document for page in streams.daily_usage(posthog, all_of(clock())) for row in page]
    monkeypatch.setattr(streams, "SLICE", DAY)
    before = len(stand.requested)
    assert [row.document for page in streams.daily_usage(posthog, all_of(clock())) for row in page] == in_one
    assert len(stand.requested) - before > 10


def test_use_is_counted_by_person_and_day(posthog: PostHog, clock: Clock) -> None:
    counted = {
        (get_path(row.document, "person_id")[0], get_path(row.document, "day")): get_path(row.document, "logins")
        for page in streams.daily_usage(posthog, all_of(clock()))
        for row in page
    }
    first, second, third = (f"{FIRST + n * DAY:%Y-%m-%d}" for n in range(3))
    assert counted == {
        ("1", first): 2, ("1", second): 1, ("2", first): 1, ("2", third): 1, ("3", first): 1, ("9", first): 0,
    }  # fmt: skip


def test_a_day_is_counted_whole_although_the_window_begins_in_it(posthog: PostHog) -> None:
    window = Window(FIRST + timedelta(hours=20), FIRST + DAY)
    (page,) = streams.daily_usage(posthog, window)
    assert get_path(page[0].document, "logins") == 2


def test_an_event_that_comes_late_is_seen_by_a_later_window(
    stand: Stand, store: PostHogStore, clock: Clock, lake: Lake
) -> None:
    stand.emulator = app(store, clock)
    syncing = Syncing(lake, SOURCE, clock)
    with opened(stand) as posthog:
        for day in range(4):
            clock.now = FIRST + (day + 1) * DAY + timedelta(minutes=30)
            syncing.fill(posthog, "signups", FIRST + day * DAY)
            assert len(syncing.current_keys("signups", FIRST + (day + 1) * DAY)) == (clock.now > LATE)
    columns = ("utm_source", "referring_domain", "use_case", "signed_up_at", "received_at")
    assert syncing.rows("signups", FIRST + 2 * DAY, *columns) == [("news", "$direct", "rag", SIGNED_UP, LATE)]


def test_an_event_as_it_is_pushed_is_read_as_a_signup() -> None:
    stated = {"email": "ann@acme.example", "utm_source": "news", "$referring_domain": "news.example"}
    event = {"uuid": "u1", "event": "user_signed_up", "distinct_id": "usr_1", "timestamp": SIGNED_UP.isoformat()}
    (signup,), _, _ = Reader(Signup).read([json.dumps({**event, "properties": stated}).encode()])
    assert (signup.id, signup.signed_up_at, signup.distinct_id) == ("u1", SIGNED_UP, "usr_1")
    assert (signup.email, signup.utm_source, signup.referring_domain) == ("ann@acme.example", "news", "news.example")
    assert signup.company is None


def test_ids_and_addresses_of_a_person(posthog: PostHog, clock: Clock) -> None:
    (page,) = streams.persons(posthog, all_of(clock()))
    persons, _, rejected = Reader(Person).read(page)
    assert rejected == []
    assert [each.user_id for each in persons] == ["usr_1", "usr_2", "Bob@acme.example", None]
    assert [each.distinct_ids[0] for each in persons][:2] == ["usr_1", "usr_2"]
    assert [each.email or each.address_id for each in persons] == ["ann@acme.example", None, "Bob@acme.example", None]
    assert [each.is_identified for each in persons] == [True, True, True, False]
    assert persons[0].last_seen_at is not None
    assert persons[0].last_seen_at > FIRST + DAY + timedelta(hours=12)


def test_the_last_event_is_one_before_the_window_ends(posthog: PostHog) -> None:
    (page,) = streams.persons(posthog, all_of(FIRST + DAY))
    (ann, *_), _, _ = Reader(Person).read(page)
    assert ann.last_seen_at is not None
    assert ann.last_seen_at < FIRST + DAY


def test_a_project_without_events_has_no_use(posthog: PostHog, store: PostHogStore, clock: Clock) -> None:
    store.persons.clear()
    assert list(streams.daily_usage(posthog, all_of(clock()))) == []


# --- answers that the emulator does not give --------------------------------------------------------------------------


def project(answer: Callable[[int], Any]) -> Starlette:
    """A project whose queries are answered by their number."""
    asked: list[int] = []

    async def query(_: Request) -> JSONResponse:
        asked.append(len(asked))
        return answer(asked[-1])

    async def refuse(_: Request) -> JSONResponse:
        return JSONResponse({"detail": "API key missing required scope 'project:read'"}, 403)

    path = f"/api/projects/{PROJECT_ID}/"
    return Starlette(routes=[Route(f"{path}query/", query, methods=["POST"]), Route(path, refuse)])


def rows(*ids: str, limit: int) -> JSONResponse:
    return JSONResponse({"columns": ["id"], "results": [[each] for each in ids], "limit": limit})


def walked(posthog: PostHog) -> list[str]:
    pages = posthog.pages("test", "SELECT id", {}, {"after": ""}, lambda row: {"after": get_path(row.document, "id")})
    return [get_path(row.document, "id") for page in pages for row in page]


def test_a_page_as_short_as_a_lower_limit_is_not_the_end(stand: Stand) -> None:
    answers = [rows("a", "b", limit=2), rows("c", limit=2)]
    stand.emulator = project(lambda number: answers[number])
    with opened(stand) as posthog:
        assert walked(posthog) == ["a", "b", "c"]


def test_a_query_that_does_not_advance_is_given_up(stand: Stand) -> None:
    stand.emulator = project(lambda _: rows("a", limit=1))
    with opened(stand) as posthog, pytest.raises(CursorLoop, match="does not advance"):
        walked(posthog)


def test_a_refusal_is_waited_out_as_long_as_its_sentence_says(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(client, "RetryPolicy", lambda: RetryPolicy(sleep=waits.append, max_retry_after=3))
    detail = "Request was throttled. Expected available in 2 seconds."
    refusal = JSONResponse({"type": "throttled_error", "code": "throttled", "detail": detail, "attr": None}, 429)
    monkeypatch.setattr("gtm_platform.http.rate_limit.RateLimiter.pause", lambda _, seconds: waits.append(seconds))
    stand.emulator = project(lambda number: rows("a", limit=2) if number else refusal)
    with opened(stand) as posthog:
        assert walked(posthog) == ["a"]
    assert set(waits) == {2.0}


def test_a_key_that_may_only_query_is_enough(stand: Stand) -> None:
    stand.emulator = project(lambda _: rows("a", limit=1))
    with opened(stand) as posthog:
        assert client.check(posthog) == f"PostHog project {PROJECT_ID}"
        assert client.identity(posthog).account_id == str(PROJECT_ID)
        with pytest.raises(Forbidden):
            posthog.api.get(f"/api/projects/{PROJECT_ID}/")


def test_a_key_that_may_read_the_project_shows_its_name(posthog: PostHog) -> None:
    assert client.check(posthog) == f"PostHog project {PROJECT_ID} (Product)"
