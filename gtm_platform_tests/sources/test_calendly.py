"""Calendly, read from the emulator into a lake: what becomes of calls that were booked, and what feeds say of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gtm_platform.http.errors import Forbidden
from gtm_platform.ingest.feeds import CallFeed, PersonFeed, feed_rows, read
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.calendly import TOKEN, app
from gtm_platform.sandbox.calendly.store import (
    CalendlyEvent,
    CalendlyInvitee,
    CalendlyStore,
    CalendlyUser,
    Cancellation,
    NoShow,
)
from gtm_platform.settings import settings
from gtm_platform.sources.calendly.client import Calendly, allowance
from gtm_platform.sources.calendly.feeds import FEEDS
from gtm_platform.sources.calendly.source import SOURCE
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources.conftest import Stand

FIRST = datetime(2026, 3, 1, 8, tzinfo=UTC)
SECOND = FIRST + timedelta(hours=4)
LONG_AGO = FIRST - timedelta(days=90)
HOST = "https://api.calendly.com"


@pytest.fixture
def store() -> CalendlyStore:
    sam = CalendlyUser("USRSAM", "Sam Host", "sam@ourco.example", "owner", LONG_AGO, LONG_AGO)
    return CalendlyStore(users={"USRSAM": sam})


@pytest.fixture
def calendly(stand: Stand, store: CalendlyStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Calendly]:
    stand.emulator = app(store, lambda: SECOND)
    monkeypatch.setenv("CALENDLY_TOKEN", TOKEN)
    monkeypatch.setenv("CALENDLY_BASE_URL", stand.url)
    settings.cache_clear()
    with SOURCE.open() as client:
        yield client
    settings.cache_clear()


@pytest.fixture
def syncing(tmp_path: Path) -> Syncing:
    return Syncing(Lake(tmp_path), SOURCE, Clock(SECOND))


def book(store: CalendlyStore, name: str, start: datetime, email: str = "dana@acme.example") -> CalendlyInvitee:
    """A call that was booked long ago."""
    event = CalendlyEvent(f"EVT{name}", name, "TYP1", ["USRSAM"], start, start + timedelta(hours=1), LONG_AGO, LONG_AGO)
    invitee = CalendlyInvitee(f"INV{name}", event.uuid, email, "Dana Reed", LONG_AGO, LONG_AGO, "Europe/Berlin")
    event.invitees.append(invitee)
    store.events[event.uuid], store.invitees[invitee.uuid] = event, invitee
    return invitee


def cancel(store: CalendlyStore, invitee: CalendlyInvitee, at: datetime, *, moved: bool = False) -> None:
    event = store.events[invitee.event]
    event.cancellation = invitee.cancellation = Cancellation("Dana Reed", "invitee", "Conflict", at)
    event.updated = invitee.updated = at
    invitee.rescheduled = moved


def mark(invitee: CalendlyInvitee, at: datetime) -> None:
    """Not even the invitee says that it was updated."""
    invitee.no_show = NoShow(f"NS{invitee.uuid}", at)


def answer(stand: Stand, listed: JSONResponse) -> None:
    """Let the list of calls be answered so, and all else as before."""
    whole = stand.emulator

    async def emulator(scope: Scope, receive: Receive, send: Send) -> None:
        await (listed if scope["path"] == "/scheduled_events" else whole)(scope, receive, send)

    stand.emulator = emulator


def feed(kind: type) -> Any:
    return next(each for each in FEEDS if isinstance(each, kind))


def outcomes(lake: Lake, window: str) -> dict[str, str]:
    calls: CallFeed = feed(CallFeed)
    table = feed_rows(calls, lake.as_of("calendly/invitees", window))
    found = table.select("event_name", outcome=read(table, calls.outcome)).to_pyarrow().to_pylist()
    return {row["event_name"]: row["outcome"] for row in found}


def test_what_becomes_of_calls_is_seen_in_the_next_window(
    store: CalendlyStore, calendly: Calendly, syncing: Syncing
) -> None:
    past, to_come, next_year = FIRST - timedelta(days=3), SECOND + timedelta(days=3), SECOND + timedelta(days=400)
    held, missed, called_off, moved = (
        book(store, "held", past),
        book(store, "missed", past),
        book(store, "called off", to_come),
        book(store, "moved", next_year),
    )
    syncing.clock.now = SECOND
    syncing.fill(calendly, "invitees", FIRST)
    assert set(outcomes(syncing.lake, "2026-03-01T0800~").values()) == {"booked"}
    at = SECOND + timedelta(hours=1)
    mark(missed, at)
    cancel(store, called_off, at)
    cancel(store, moved, at, moved=True)
    held.updated = at
    syncing.clock.now = SECOND + timedelta(hours=4)
    syncing.fill(calendly, "invitees", SECOND)
    expected = {"held": "booked", "missed": "no_show", "called off": "canceled", "moved": "rescheduled"}
    assert outcomes(syncing.lake, "2026-03-01T1200~") == expected


def test_only_calls_that_may_have_changed_cost_a_request(
    store: CalendlyStore, calendly: Calendly, syncing: Syncing, stand: Stand
) -> None:
    book(store, "recent", FIRST - timedelta(days=10))
    book(store, "older", FIRST - timedelta(days=20))
    book(store, "oldest", FIRST - timedelta(days=60))
    book(store, "to come", SECOND + timedelta(days=5))
    cancel(store, book(store, "called off", SECOND + timedelta(days=9)), SECOND + timedelta(hours=1))
    syncing.fill(calendly, "invitees", FIRST)
    assert sum("invitees" in each for each in stand.requested) == 5
    stand.requested.clear()
    syncing.clock.now = SECOND + timedelta(hours=4)
    syncing.fill(calendly, "invitees", SECOND)
    asked = {each.split("/")[2] for each in stand.requested if "invitees" in each}
    assert asked == {"EVTrecent", "EVTcalled off"}


def test_a_mark_on_an_old_call_comes_with_the_full_refresh(
    store: CalendlyStore, calendly: Calendly, syncing: Syncing
) -> None:
    missed = book(store, "missed", FIRST - timedelta(days=40))
    syncing.fill(calendly, "invitees", FIRST)
    mark(missed, SECOND + timedelta(hours=1))
    start = FIRST + timedelta(days=7)
    syncing.clock.now = start + timedelta(hours=4)
    syncing.fill(calendly, "invitees", start)
    assert outcomes(syncing.lake, "2026-03-08T0800~") == {"missed": "no_show"}


def test_invitees_of_our_own_are_nobody(store: CalendlyStore, calendly: Calendly, syncing: Syncing) -> None:
    book(store, "first", FIRST - timedelta(days=9), "Dana@Acme.example").name = "D. Reed"
    book(store, "second", FIRST - timedelta(days=2))
    book(store, "trial", FIRST - timedelta(days=2), "Colleague@OurCo.example")
    store.invitees["INVsecond"].created = FIRST - timedelta(days=3)
    syncing.fill(calendly, "invitees", FIRST)
    people = feed_rows(feed(PersonFeed), syncing.lake.as_of("calendly/invitees", "9999"))
    (dana,) = people.drop("_extracted_at").to_pyarrow().to_pylist()
    assert dana == {
        "email": "dana@acme.example", "created_at": LONG_AGO, "name": "Dana Reed", "timezone": "Europe/Berlin",
    }  # fmt: skip
    assert outcomes(syncing.lake, "9999") == {"first": "booked", "second": "booked"}


def test_hosts_without_a_name_are_looked_up_among_the_members(
    store: CalendlyStore, stand: Stand, calendly: Calendly, syncing: Syncing
) -> None:
    book(store, "check-in", FIRST - timedelta(days=2))
    event = {
        "uri": f"{HOST}/scheduled_events/EVTcheck-in", "start_time": "2026-02-27T08:00:00.000000Z",
        "end_time": "2026-02-27T09:00:00.000000Z", "created_at": "2026-02-01T08:00:00.000000Z",
        "updated_at": "2026-02-01T08:00:00.000000Z", "event_memberships": [{"user": f"{HOST}/users/USRSAM"}],
    }  # fmt: skip
    answer(stand, JSONResponse({"collection": [event], "pagination": {"next_page_token": None}}))
    syncing.fill(calendly, "invitees", FIRST)
    syncing.fill(calendly, "events", FIRST)
    sam = {"user_id": f"{HOST}/users/USRSAM", "email": "sam@ourco.example", "name": "Sam Host"}
    assert syncing.rows("invitees", FIRST, "hosts") == [[sam]]
    assert syncing.rows("events", FIRST, "hosts") == [[sam]]


def test_a_token_that_sees_only_its_own_calls_fails_the_check(stand: Stand, calendly: Calendly) -> None:
    message = {"title": "Permission Denied", "message": "You do not have permission to access this resource."}
    answer(stand, JSONResponse(message, 403))
    with pytest.raises(Forbidden, match="CALENDLY_TOKEN"):
        SOURCE.check(calendly)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "20"}, (3, 20.0)),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "86400"}, (3, 61.0)),
        ({"x-ratelimit-remaining": "few", "x-ratelimit-reset": "20"}, None),
        ({}, None),
    ],
)
def test_the_limits_that_some_accounts_send_are_read(
    headers: dict[str, str], expected: tuple[int, float] | None
) -> None:
    assert allowance(headers) == expected
