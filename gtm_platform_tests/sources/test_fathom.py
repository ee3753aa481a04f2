"""Fathom, read from the emulator into a lake: several people's keys, what comes late, and who said what."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gtm_platform.http.errors import BadRequest, Unauthorized
from gtm_platform.ingest.feeds import CallFeed, PersonFeed, feed_rows
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.fathom import KEYS, app
from gtm_platform.sandbox.fathom.store import FathomActionItem, FathomInvitee, FathomMeeting, FathomMember, FathomStore
from gtm_platform.settings import settings
from gtm_platform.sources.fathom.client import Fathom, allowance, identity
from gtm_platform.sources.fathom.feeds import FEEDS
from gtm_platform.sources.fathom.source import SOURCE
from gtm_platform.sources.fathom.streams import external_words
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources.conftest import Stand

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)
LONG_AGO = FIRST - timedelta(days=90)
SAM, KIM = "sam@ourco.example", "kim@ourco.example"


@pytest.fixture
def clock() -> Clock:
    return Clock(SECOND)


@pytest.fixture
def store() -> FathomStore:
    sam = FathomMember("Sam Host", SAM, "Sales", LONG_AGO, KEYS[0])
    kim = FathomMember("Kim Host", KIM, "Sales", LONG_AGO + timedelta(days=1), KEYS[1])
    return FathomStore(members={SAM: sam, KIM: kim})


@pytest.fixture
def fathom(stand: Stand, store: FathomStore, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fathom]:
    stand.emulator = app(store, clock)
    monkeypatch.setenv("FATHOM_API_KEYS", f"{KEYS[0]}, {KEYS[1]},{KEYS[0]}")
    monkeypatch.setenv("FATHOM_BASE_URL", f"{stand.url}/external/v1")
    settings.cache_clear()
    with SOURCE.open() as client:
        yield client
    settings.cache_clear()


@pytest.fixture
def syncing(tmp_path: Path, clock: Clock) -> Syncing:
    return Syncing(Lake(tmp_path), SOURCE, clock)


def meet(store: FathomStore, number: int, at: datetime, host: str = SAM, **details: Any) -> FathomMeeting:
    """A meeting that appeared then."""
    span = (at - timedelta(hours=1), at)
    invitees = [FathomInvitee("Sam Host", SAM, False), FathomInvitee("Dana Reed", "Dana@Acme.example", True)]
    known = {"invitees": invitees, "ready": at + timedelta(minutes=20), "shared_with": "single_team", **details}
    meeting = FathomMeeting(
        number, "Check-in", host, "Dana", "happy", scheduled=span, recorded=span, created=at, **known
    )
    store.meetings[number] = meeting
    return meeting


def test_a_meeting_that_two_keys_see_comes_once(
    store: FathomStore, fathom: Fathom, syncing: Syncing, stand: Stand
) -> None:
    for number in range(12):
        meet(store, number, FIRST + timedelta(minutes=number))
    meet(store, 20, FIRST + timedelta(hours=1), shared_with="no_teams")
    meet(store, 21, FIRST + timedelta(hours=1), KIM, shared_with="no_teams")
    for stream in ("meetings", "transcripts"):
        (result,) = syncing.fill(fathom, stream, FIRST)
        assert (result.rows, result.read, result.duplicates) == (14, 14, 0)
        assert len(stand.requested) == 4  # two pages of each key, which was set twice
        stand.requested.clear()


def test_meetings_without_a_number_are_all_set_aside(fathom: Fathom, syncing: Syncing, stand: Stand) -> None:
    items = [{"recording_id": [1]}, {"recording_id": None}, {}]

    async def odd(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"items": items, "next_cursor": None})(scope, receive, send)

    stand.emulator = odd
    (result,) = syncing.fill(fathom, "meetings", FIRST)
    assert (result.rows, result.quarantined) == (0, 3)


def test_what_is_made_of_a_call_after_it_was_read_comes_later(
    store: FathomStore, fathom: Fathom, syncing: Syncing, clock: Clock
) -> None:
    late = SECOND - timedelta(minutes=5)
    item = FathomActionItem("Send the quote", 60, SAM, done=SECOND + timedelta(days=3))
    meet(store, 1, late, ready=SECOND + timedelta(hours=1), action_items=[item])
    for stream in ("meetings", "transcripts"):
        syncing.fill(fathom, stream, FIRST)
    assert syncing.rows("meetings", FIRST, "summary", "action_items") == [(None, [])]
    assert syncing.rows("transcripts", FIRST, "external_words") == [None]
    for days in range(1, 5):
        clock.now = SECOND + timedelta(days=days)
        for stream in ("meetings", "transcripts"):
            syncing.fill(fathom, stream, FIRST + timedelta(days=days))
    (meeting,) = syncing.lake.as_of("fathom/meetings", "9999").to_pyarrow().to_pylist()
    assert "Dana likes the product" in meeting["summary"]
    assert meeting["action_items"] == [{"description": "Send the quote", "completed": True, "assignee_email": SAM}]
    (transcript,) = syncing.lake.as_of("fathom/transcripts", "9999").to_pyarrow().to_pylist()
    assert "thanks for joining" not in transcript["external_words"]
    assert transcript["external_words"].count("\n") == 3


def test_a_transcript_is_not_read_again_after_some_days(
    store: FathomStore, fathom: Fathom, syncing: Syncing, clock: Clock
) -> None:
    meet(store, 1, FIRST + timedelta(hours=1))
    meet(store, 2, FIRST + timedelta(days=5, hours=1))
    clock.now = FIRST + timedelta(days=1)
    syncing.fill(fathom, "transcripts", FIRST)
    clock.now = FIRST + timedelta(days=6)
    (result,) = syncing.fill(fathom, "transcripts", FIRST + timedelta(days=5))[-1:]
    assert result.read == 2  # the windows between were missed
    clock.now = FIRST + timedelta(days=7)
    (result,) = syncing.fill(fathom, "transcripts", FIRST + timedelta(days=6))[-1:]
    assert result.read == 1


def test_people_are_the_external_invitees(store: FathomStore, fathom: Fathom, syncing: Syncing) -> None:
    meet(store, 1, FIRST + timedelta(hours=1))
    later = [FathomInvitee(None, "dana@acme.example", True), FathomInvitee("Erin", "erin@acme.example", True)]
    meet(store, 2, FIRST + timedelta(hours=2), invitees=[*later, FathomInvitee("Nobody", None, True)])
    meet(store, 3, FIRST + timedelta(hours=3), invitees=[])
    syncing.fill(fathom, "meetings", FIRST)
    table = syncing.lake.as_of("fathom/meetings", "9999")
    people, calls = (next(each for each in FEEDS if isinstance(each, kind)) for kind in (PersonFeed, CallFeed))
    rows = {row["email"]: row["name"] for row in feed_rows(people, table).to_pyarrow().to_pylist()}
    assert rows == {"dana@acme.example": "Dana Reed", "erin@acme.example": "Erin"}
    pairs = feed_rows(calls, table).select("id", "email").to_pyarrow().to_pylist()
    assert sorted((row["id"], row["email"]) for row in pairs) == [
        ("1", "dana@acme.example"),
        ("2", "dana@acme.example"),
        ("2", "erin@acme.example"),
    ]


def line(text: str, name: str | None, email: str | None = None) -> dict[str, Any]:
    return {"speaker": {"display_name": name, "matched_calendar_invitee_email": email}, "text": text}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([line("Hi", "Sam", SAM), line("Good", "D.", "dana@acme.example"), line("Bad", "D.", None)], "Good\nBad"),
        ([line("Hi", "sam host"), line("Hello", "Sammy"), line("Good", "Stranger")], "Good"),
        ([line("Hi", "Kim", KIM.upper()), {"speaker": None, "text": "Who?"}, {"text": None}], None),
        ([], None),
        (None, None),
    ],
)
def test_whose_words_count(lines: list[dict[str, Any]] | None, expected: str | None) -> None:
    invitees = [
        {"name": "Sam Host", "email": SAM, "is_external": False, "matched_speaker_display_name": "Sammy"},
        {"name": "Dana", "email": "dana@acme.example", "is_external": True},
    ]
    recorder = {"name": "Kim Host", "email": KIM}
    meeting = {"transcript": lines, "calendar_invitees": invitees, "recorded_by": recorder}
    assert external_words(json.dumps(meeting).encode()) == expected


@pytest.mark.usefixtures("fathom")
def test_a_refused_key_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATHOM_API_KEYS", f"{KEYS[0]},wrong_0123456789")
    settings.cache_clear()
    with pytest.raises(Unauthorized, match=r"FATHOM_API_KEYS \(number 2\)") as caught, SOURCE.open() as client:
        SOURCE.check(client)
    assert "wrong_0123456789" not in str(caught.value)


def test_the_account_is_the_domain_of_the_oldest_member(fathom: Fathom, store: FathomStore) -> None:
    assert identity(fathom).account_id == "ourco.example"
    assert SOURCE.check(fathom) == "organisation ourco.example, keys of 2 people"
    store.members[SAM].email = "sam@bought.example"
    assert identity(fathom).account_id == "bought.example"


def test_keys_of_two_organisations_are_refused(fathom: Fathom, monkeypatch: pytest.MonkeyPatch) -> None:
    domains = iter(("ourco.example", "other.example"))
    monkeypatch.setattr(Fathom, "organisation", lambda *_: next(domains))
    with pytest.raises(BadRequest, match=r"other\.example, ourco\.example"):
        SOURCE.check(fathom)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ratelimit-remaining": "0", "ratelimit-reset": "42"}, (0, 42.0)),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "1772323200"}, (0, 61.0)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "42"}, None),
        ({}, None),
    ],
)
def test_the_limits_of_an_answer_are_read(headers: dict[str, str], expected: tuple[int, float] | None) -> None:
    assert allowance(headers) == expected
