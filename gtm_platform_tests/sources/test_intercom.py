"""Intercom, read from the emulator into a lake: the first time, what changed since, what is gone, and what is odd."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.http.errors import InvalidResponse, RetriesExhausted, Unauthorized
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.record import Reader
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.intercom import TOKEN, Limits, app
from gtm_platform.sandbox.intercom.store import (
    IntercomCompany,
    IntercomContact,
    IntercomConversation,
    IntercomPart,
    IntercomRating,
    IntercomStore,
    IntercomTicket,
)
from gtm_platform.settings import settings
from gtm_platform.sources.intercom import client
from gtm_platform.sources.intercom.client import Intercom, allowance
from gtm_platform.sources.intercom.records import Contact, Conversation, Ticket
from gtm_platform.sources.intercom.source import SOURCE
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources.conftest import Stand

FIRST = datetime(2026, 3, 1, 6, tzinfo=UTC)
SECOND, THIRD = FIRST + timedelta(hours=6), FIRST + timedelta(hours=12)
LONG_AGO = FIRST - timedelta(days=90)


def after(start: datetime, hours: float = 6.2) -> datetime:
    return start + timedelta(hours=hours)


def contact(name: str, **more: Any) -> IntercomContact:
    known = {"created": LONG_AGO, "updated": LONG_AGO, **more}
    return IntercomContact(name, "user", f"{name}@acme.example", name.title(), **known)


def conversation(name: str, body: str, author: str = "user", **more: Any) -> IntercomConversation:
    known = {"created": LONG_AGO, "updated": LONG_AGO, **more}
    return IntercomConversation(
        name, "dana", subject="Export", body=body, author_type=author, author_name=None, author_email=None, **known
    )


def part(name: str, kind: str, body: str | None, author: str) -> IntercomPart:
    return IntercomPart(name, kind, body, LONG_AGO, author, "dana" if author == "user" else "7")


@pytest.fixture
def store() -> IntercomStore:
    store = IntercomStore(admins=[{"type": "admin", "id": "7", "email": "sam@sandbox.example", "name": "Sam"}])
    store.tags = {"1": "critical"}
    bought = {"stripe_id": "cus_1", "stripe_plan_price": 297.5, "stripe_delinquent": False, "plan_tier": "scale"}
    store.contacts = {
        "dana": contact(
            "dana", owner_id=7, custom_attributes=bought, tags=["1"], companies=[f"c{n}" for n in range(12)]
        ),
        "erin": contact("erin"),
        "twin": contact("twin", merged_into="dana"),
    }
    for number in range(120):
        store.companies[f"c{number}"] = IntercomCompany(f"c{number}", f"acme-{number}", "Acme", LONG_AGO, LONG_AGO)
    store.companies["c1"].plan = "Scale"
    parts = [
        part("p1", "comment", "<p>This is <b>terrible</b>, I will cancel</p>", "user"),
        part("p2", "note", "<p>awful customer</p>", "admin"),
        part("p3", "comment", "<p>Great, thanks</p>", "admin"),
        part("p4", "assignment", None, "admin"),
    ]
    answered = IntercomRating(LONG_AGO, 2, "Slow", LONG_AGO + timedelta(hours=2))
    store.conversations = {
        "1": conversation(
            "1", "<p>The export &amp; import</p><p>are awful</p>", parts=parts, tags=[("1", LONG_AGO)], rating=answered
        ),
        "2": conversation("2", "<p>Welcome, you are great</p>", "admin", admin_id=7, rating=IntercomRating(LONG_AGO)),
    }
    store.tickets["t1"] = IntercomTicket("t1", "41", "dana", "Broken", "It is", LONG_AGO, LONG_AGO)
    return store


@pytest.fixture
def clock() -> Clock:
    return Clock(after(FIRST))


@pytest.fixture
def syncing(lake: Lake, clock: Clock) -> Syncing:
    return Syncing(lake, SOURCE, clock)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited: nobody waits in a test."""
    waited: list[float] = []
    monkeypatch.setattr(client, "RetryPolicy", partial(RetryPolicy, sleep=waited.append))
    monkeypatch.setattr(client, "CALLS", (10**6, 10.0))
    return waited


def connected(stand: Stand, monkeypatch: pytest.MonkeyPatch, key: str = TOKEN) -> Any:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", key)
    monkeypatch.setenv("INTERCOM_BASE_URL", stand.url)
    settings.cache_clear()
    return SOURCE.open()


@pytest.fixture
def intercom(
    stand: Stand, store: IntercomStore, clock: Clock, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Intercom]:
    # Scrolls live in the time that is waited.
    stand.emulator = app(store, clock, Limits(calls=10**6, now=lambda: sum(waits)))
    with connected(stand, monkeypatch) as intercom:
        yield intercom


def failing(emulator: ASGIApp, status: int, when: Callable[[str], bool]) -> ASGIApp:
    """The emulator with some of its answers, by path and query, replaced."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        asked = f"{scope['path']}?{scope['query_string'].decode()}"
        replaced = PlainTextResponse("<h1>Sorry</h1>", status) if when(asked) else emulator
        await replaced(scope, receive, send)

    return answer


class TestTheFirstSync:
    def test_brings_everything(self, intercom: Intercom, syncing: Syncing) -> None:
        brought = {stream.name: syncing.fill(intercom, stream.name, FIRST)[0].rows for stream in SOURCE.streams}
        assert brought == {
            "contacts": 2,
            "companies": 120,
            "conversations": 2,
            "conversation_parts": 4,
            "tickets": 1,
            "admins": 1,
            "tags": 1,
        }

    def test_reads_contacts_with_all_their_companies_and_what_stripe_wrote(
        self, intercom: Intercom, syncing: Syncing
    ) -> None:
        syncing.fill(intercom, "contacts", FIRST)
        columns = ("id", "owner_id", "tag_ids", "stripe_id", "stripe_plan_price", "stripe_delinquent", "plan_tier")
        dana, erin = syncing.rows("contacts", FIRST, *columns)
        assert dana == ("dana", "7", ["1"], "cus_1", Decimal("297.5"), False, "scale")
        assert erin == ("erin", None, [], None, None, None, None)
        assert [len(ids) for ids in syncing.rows("contacts", FIRST, "company_ids")] == [0, 12]

    def test_reads_conversations_as_plain_text(self, intercom: Intercom, syncing: Syncing) -> None:
        syncing.fill(intercom, "conversations", FIRST)
        columns = ("id", "body", "contact_id", "tags", "admin_id", "rating", "rated_at", "part_count")
        assert syncing.rows("conversations", FIRST, *columns) == [
            ("1", "The export & import\nare awful", "dana", ["critical"], None, 2, after(LONG_AGO, 2), 4),
            ("2", "Welcome, you are great", "dana", [], "7", None, None, 0),
        ]

    def test_reads_all_parts_of_a_conversation(self, intercom: Intercom, syncing: Syncing) -> None:
        syncing.fill(intercom, "conversation_parts", FIRST)
        columns = ("id", "conversation_id", "part_type", "author_type", "body", "changed_at")
        rows = syncing.rows("conversation_parts", FIRST, *columns)
        assert rows[0] == ("p1", "1", "comment", "user", "This is terrible, I will cancel", LONG_AGO)
        assert [row[2:4] for row in rows[1:]] == [("note", "admin"), ("comment", "admin"), ("assignment", "admin")]

    def test_says_nobody_where_a_ticket_is_nobody_s(self, intercom: Intercom, syncing: Syncing) -> None:
        syncing.fill(intercom, "tickets", FIRST)
        assert syncing.rows("tickets", FIRST, "id", "title", "state", "admin_id") == [
            ("t1", "Broken", "submitted", None)
        ]


class TestLaterWindows:
    @pytest.mark.parametrize("hours", [0.01, 3, 5.99])
    def test_find_contacts_in_spite_of_a_search_by_whole_days(
        self, intercom: Intercom, syncing: Syncing, store: IntercomStore, clock: Clock, hours: float
    ) -> None:
        syncing.fill(intercom, "contacts", FIRST)
        store.contacts["erin"].updated = after(SECOND, hours)
        clock.now = after(SECOND)
        assert [(each.rows, each.full) for each in syncing.fill(intercom, "contacts", SECOND)] == [(1, False)]
        assert syncing.rows("contacts", SECOND, "id") == ["erin"]

    def test_drop_what_the_search_by_days_brings_too_much(
        self, intercom: Intercom, syncing: Syncing, store: IntercomStore, clock: Clock
    ) -> None:
        store.contacts["erin"].updated = after(FIRST, -20)
        syncing.fill(intercom, "contacts", FIRST)
        clock.now = after(SECOND)
        assert syncing.fill(intercom, "contacts", SECOND)[0].rows == 0

    def test_read_the_parts_of_those_conversations_that_changed(
        self, intercom: Intercom, syncing: Syncing, store: IntercomStore, clock: Clock, stand: Stand
    ) -> None:
        syncing.fill(intercom, "conversation_parts", FIRST)
        store.conversations["1"].parts.append(part("p5", "comment", "Thanks, I love it", "user"))
        store.conversations["1"].updated = after(SECOND, 1)
        clock.now = after(SECOND)
        stand.requested.clear()
        for _ in range(2):
            syncing.fill(intercom, "conversation_parts", SECOND)
            assert syncing.rows("conversation_parts", SECOND, "id") == ["p1", "p2", "p3", "p4", "p5"]
        assert stand.requested == ["POST /conversations/search", "GET /conversations/1"] * 2

    def test_leave_out_a_conversation_that_was_deleted_meanwhile(
        self, intercom: Intercom, syncing: Syncing, stand: Stand
    ) -> None:
        stand.emulator = failing(stand.emulator, 404, lambda request: request.startswith("/conversations/2?"))
        assert syncing.fill(intercom, "conversation_parts", FIRST)[0].rows == 4

    def test_are_dealt_their_rows_in_one_sweep(
        self, intercom: Intercom, syncing: Syncing, store: IntercomStore, clock: Clock
    ) -> None:
        syncing.fill(intercom, "conversations", FIRST)
        for name, start in (("1", SECOND), ("2", THIRD)):
            store.conversations[name].updated = after(start, 1)
        clock.now = after(THIRD)
        assert [each.rows for each in syncing.fill(intercom, "conversations", SECOND, THIRD)] == [1, 1]
        assert syncing.rows("conversations", THIRD, "id") == ["2"]

    def test_a_week_later_the_whole_shows_who_was_deleted_or_merged(
        self, intercom: Intercom, syncing: Syncing, store: IntercomStore, clock: Clock
    ) -> None:
        syncing.fill(intercom, "contacts", FIRST)
        store.contacts["erin"].deleted = after(SECOND)
        week = FIRST + timedelta(days=7)
        clock.now = after(week)
        assert syncing.fill(intercom, "contacts", week)[0].full
        assert syncing.current_keys("contacts", week) == ["dana", "erin"]
        assert syncing.current_keys("contacts", after(week)) == ["dana"]


class TestTheScroll:
    def test_waits_until_another_one_has_died(self, intercom: Intercom, syncing: Syncing, waits: list[float]) -> None:
        intercom.api.get("/companies/scroll")
        assert syncing.fill(intercom, "companies", FIRST)[0].rows == 120
        assert waits == [60.0]

    def test_begins_again_when_it_breaks_and_keeps_each_company_once(
        self, intercom: Intercom, syncing: Syncing, stand: Stand
    ) -> None:
        breaks = iter([True])
        stand.emulator = failing(stand.emulator, 500, lambda request: "scroll_param" in request and next(breaks, False))
        assert syncing.fill(intercom, "companies", FIRST)[0].rows == 120

    def test_gives_up_when_it_always_breaks(self, intercom: Intercom, syncing: Syncing, stand: Stand) -> None:
        stand.emulator = failing(stand.emulator, 500, lambda request: "scroll_param" in request)
        with pytest.raises(RetriesExhausted, match="answered 500"):
            syncing.fill(intercom, "companies", FIRST)


class TestWhatIsOdd:
    def test_a_list_that_comes_up_short_is_not_believed(
        self, intercom: Intercom, syncing: Syncing, stand: Stand
    ) -> None:
        whole = stand.emulator

        async def short(scope: Scope, receive: Receive, send: Send) -> None:
            async def cut(message: Any) -> None:
                if message["type"] == "http.response.body":
                    message["body"] = message["body"].replace(b'"total_count":2,', b'"total_count":9,')
                await send(message)

            await whole(scope, receive, cut)

        stand.emulator = short
        with pytest.raises(InvalidResponse, match="lists 2 of 9 records at /contacts"):
            syncing.fill(intercom, "contacts", FIRST)
        assert not syncing.lake.partitions("intercom/contacts")

    def test_a_contact_that_cannot_be_read_is_set_aside(
        self, intercom: Intercom, syncing: Syncing, store: IntercomStore
    ) -> None:
        store.contacts["dana"].custom_attributes["stripe_plan_price"] = "a lot"
        (filled,) = syncing.fill(intercom, "contacts", FIRST)
        assert (filled.rows, filled.quarantined) == (1, 1)
        ((record, reason),) = syncing.quarantined("contacts", FIRST)
        assert record == "dana"
        assert reason.startswith("custom_attributes.stripe_plan_price: decimal")

    def test_a_wrong_key_is_named(
        self,
        stand: Stand,
        store: IntercomStore,
        clock: Clock,
        syncing: Syncing,
        waits: list[float],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        stand.emulator = app(store, clock)
        wrong = connected(stand, monkeypatch, key="not-the-token")
        with wrong as intercom, pytest.raises(Unauthorized, match="Check that INTERCOM_ACCESS_TOKEN") as raised:
            syncing.fill(intercom, "companies", FIRST)
        assert "not-the-token" not in str(raised.value)
        assert not waits

    def test_check_says_which_workspace_it_is(self, intercom: Intercom) -> None:
        assert SOURCE.check(intercom).endswith("region US, days in America/Los_Angeles")

    def test_the_allowance_is_what_the_headers_say(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("time.time", lambda: 1_767_225_600.0)
        told = {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "1767225604"}
        assert allowance(httpx.Headers(told)) == (3, 4.0)
        assert allowance(httpx.Headers({**told, "X-RateLimit-Reset": "1767299999"})) == (3, 10.0)
        assert allowance(httpx.Headers()) is None

    def test_amounts_in_cents_are_divided(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INTERCOM_STRIPE_AMOUNT_DIVISOR", "100")
        settings.cache_clear()
        raw = b'{"id":"1","updated_at":1767225600,"custom_attributes":{"stripe_plan_price":29750}}'
        ((read,), _, _) = Reader(Contact).read([raw])
        assert read.stripe_plan_price == Decimal("297.5")

    def test_the_state_of_a_ticket_was_a_text_once(self) -> None:
        raw = b'{"id":"1","created_at":1767225600,"updated_at":1767225600,"ticket_state":"in_progress"}'
        ((read,), _, _) = Reader(Ticket).read([raw])
        assert read.state == "in_progress"

    def test_a_conversation_may_hold_nearly_nothing(self) -> None:
        nothing = b'"tags":null,"conversation_rating":null,"statistics":null,"source":null,"contacts":null'
        raw = b'{"id":515,"created_at":1767225600,"updated_at":1767225600,' + nothing + b"}"
        ((read,), _, rejected) = Reader(Conversation).read([raw])
        assert not rejected
        assert (read.id, read.tags, read.contact_ids, read.rating) == ("515", [], [], None)
