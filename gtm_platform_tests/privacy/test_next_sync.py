"""Through a whole sync: who is suppressed comes neither with a window nor with a full refresh, and is no loss."""

import json
from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gtm_platform.http.pages import Page
from gtm_platform.ingest.record import Id, Instant, MaybeText, Record, at
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.ingest.stream_sync import WindowResult
from gtm_platform.ingest.suppression import PrivacyKey, of_address
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import SystemSettings, settings
from gtm_platform.state import open_state
from gtm_platform.state.erasures import Suppression, suppress
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.privacy.bytes_of_home import places_of
from gtm_platform_tests.privacy.small_home import BOB, JANE, KEY

MORNING, LONG_AGO = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Guest(Record):
    """Somebody who wrote into the book."""

    id: Id = at("id", default=..., about="Line of the book.")
    email: MaybeText = at("email", personal=True, about="As written.")
    seen_at: Instant = at("seen_at", default=..., about="When.")


def guests(people: dict[str, str], window: Window) -> Iterator[Page]:
    seen = (LONG_AGO if window.full else window.end - timedelta(minutes=1)).isoformat()
    yield [json.dumps({"id": id, "email": email, "seen_at": seen}).encode() for id, email in people.items()] + [
        json.dumps({"id": "bad", "note": email}).encode() for email in people.values()
    ]


@pytest.fixture
def book(lake: Lake) -> Syncing:
    stream = Stream("guests", Guest, guests, cursor_field="seen_at")
    source = Source("guestbook", Schedule(24), SystemSettings, nullcontext, lambda _: "", (stream,))
    return Syncing(lake, source, Clock(MORNING))


def sync(book: Syncing, people: Any, day: datetime) -> WindowResult:
    """Read a day once it is over."""
    book.clock.now = day + DAY + timedelta(hours=1)
    [written] = book.fill(people, "guests", day)
    return written


def test_she_comes_back_with_no_sync(book: Syncing, monkeypatch: pytest.MonkeyPatch) -> None:
    people: Any = {"1": "Jane.Roe+x@Firm.example", "2": BOB}
    sync(book, people, MORNING - DAY)
    assert book.current_keys("guests", MORNING) == ["1", "2"]
    monkeypatch.setenv("GTM_PRIVACY_KEY", KEY)
    settings.cache_clear()
    key = PrivacyKey(KEY.encode())
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        suppress(tx, [Suppression(key.digest(of_address(JANE)), key.id)], "e", MORNING)
    book.lake = Lake(book.lake.root.parent / "anew")  # as the lake is once she was erased from it
    first = sync(book, people, MORNING)
    second = sync(book, {**people, "3": JANE.upper()}, MORNING + DAY)
    assert (first.full, second.full) == (True, False)
    assert book.current_keys("guests", MORNING + 2 * DAY) == ["2"]
    assert [row for row, _ in book.quarantined("guests", MORNING)] == ["bad"]
    assert places_of(book.lake.root, "jane.roe") == []
