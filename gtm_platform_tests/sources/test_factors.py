"""Factors.ai: what becomes of an account's journey, whichever way it is written, and of an alert."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.ingest.market_feeds import SignalFeed
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.sandbox.factors import EMULATOR, FactorsStore, app
from gtm_platform.sources.factors import journeys, records, streams
from gtm_platform.sources.factors.alerts import alert
from gtm_platform.sources.factors.client import Factors
from gtm_platform.sources.factors.feeds import FEEDS
from gtm_platform.sources.factors.source import SOURCE
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.market_world import NOW, START, always, feed_rows, market, opened, synced

WHOLE = Window(BEGINNING, NOW, full=True)
(SIGNALS,) = [feed for feed in FEEDS if isinstance(feed, SignalFeed)]
AT = 1_772_000_000


@pytest.fixture
def factors(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Factors]:
    store = FactorsStore(market())
    domains = ",".join([*store.domains(), "nobody.example"])
    served = app(store, lambda: NOW)
    with opened(SOURCE, EMULATOR, served, stand, monkeypatch, FACTORS_ACCOUNT_DOMAINS=domains) as client:
        yield client


def read(page: list[bytes]) -> list[records.Visit]:
    good, _, rejected = Reader(records.Visit).read(page)
    assert not rejected
    return good


# --- visits ----------------------------------------------------------------------------------------------------------


def test_every_visit_of_the_market_is_read(factors: Factors, tmp_path: Path) -> None:
    visits = read([row for page in streams.visits(factors, WHOLE) for row in page])
    true = {
        str(visit.id): (each.company, visit)
        for each in market().companies(NOW)
        for visit in each.signals.visits
        if visit.at <= NOW
    }
    assert {visit.id for visit in visits} == set(true)
    for visit in visits:
        company, real = true[visit.id]
        assert (visit.company_domain, visit.company_name) == (company.domain, company.name)
        assert [f"www.trychroma.com{page}" for page in dict.fromkeys(real.pages)] == visit.pages
        assert (visit.page_views, visit.seconds, visit.visited_at) == (len(real.pages), real.seconds, real.at)
    signals = feed_rows(synced(SOURCE, factors, tmp_path), SIGNALS, "signal_id", "company_domain", "strength")
    assert {row["signal_id"] for row in signals} == {f"visit:{id_}" for id_ in true}
    pages = {f"visit:{id_}": len(visit.pages) for id_, (_, visit) in true.items()}
    assert {row["signal_id"]: row["strength"] for row in signals} == pages


def test_a_window_is_asked_for_from_its_day_on(factors: Factors) -> None:
    recent = read([row for page in streams.visits(factors, Window(START, NOW)) for row in page])
    whole = read([row for page in streams.visits(factors, WHOLE) for row in page])
    assert {visit.id for visit in recent} == {visit.id for visit in whole if visit.visited_at >= START}


@pytest.mark.parametrize("status", [404, 200])
def test_an_account_that_never_came_has_no_visits(status: int, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(SOURCE, EMULATOR, always(status, b"[]"), stand, monkeypatch) as client:
        assert client.journey("nobody.example", None) == []


def event(name: str, at: int, id_: str | None = None, *, as_text: bool = True, **properties: Any) -> dict[str, Any]:
    named = {f"${key}": value for key, value in properties.items()}
    return {"event_id": id_, "event_name": name, "timestamp": at, "properties": json.dumps(named) if as_text else named}


def user(*events: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"user_id": "u1", "user_properties": json.dumps(properties), "user_activities": list(events)}


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_journey_is_read_however_it_is_written(
    as_text: bool, wrapped: bool, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [
        event("acme.example/docs", AT + 9, as_text=as_text, is_page_view=True, page_url="acme.example/docs"),
        event("$session", AT, "s1", as_text=as_text, session_spent_time=40, channel="Direct"),
        event("acme.example/", AT + 1, as_text=as_text, is_page_view=True, page_url="acme.example/"),
        event("clicked", AT + 2, as_text=as_text),
        event("$session", AT + 900, as_text=as_text, page_count=3, source="google", medium="cpc"),
    ]
    users = [user(*events, **{"$6Signal_name": "Acme", "$email": "dana@acme.example"})]
    body = json.dumps({"users": users} if wrapped else users).encode()
    with opened(SOURCE, EMULATOR, always(200, body), stand, monkeypatch) as client:
        (listed,) = client.journey("acme.example", None)
    first, second = read(journeys.visits("acme.example", listed))
    assert (first.id, first.pages, first.page_views) == ("s1", ["acme.example/", "acme.example/docs"], 2)
    assert (first.seconds, first.referral_source, first.user_email) == (40, "Direct", "dana@acme.example")
    assert (second.page_views, second.referral_source, second.company_name) == (3, "google/cpc", "Acme")
    assert len(second.id) == 32, "a session without an id has one that is made of it"
    assert [read(journeys.visits("acme.example", listed))[1].id] == [second.id]


def test_where_a_visit_came_from_is_the_channel_else_the_source_else_the_site() -> None:
    assert journeys.referral_source({"$channel": "Email", "$source": "x"}) == "Email"
    assert journeys.referral_source({"$channel": "", "$source": "google"}) == "google"
    assert journeys.referral_source({"$referrer": "https://www.news.example/item"}) == "news.example"
    assert journeys.referral_source({"$referrer": "http://[broken"}) is None
    assert journeys.referral_source({}) is None


@pytest.mark.parametrize(
    "broken",
    [
        b'{"user_id": "u1", "user_activities": {}}',
        b'{"user_id": "u1", "user_activities": ["x"]}',
        b'["u1"]',
        json.dumps(user(event("$session", "soon", "s1"))).encode(),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_read_is_set_aside(broken: bytes) -> None:
    good, _, rejected = Reader(records.Visit).read(journeys.visits("acme.example", broken))
    assert (len(good), len(rejected)) == (0, 1)


# --- alerts ----------------------------------------------------------------------------------------------------------


def delivery(*properties: tuple[str, Any]) -> bytes:
    numbered = {str(n): {"DisplayName": name, "PropValue": value} for n, (name, value) in enumerate(properties)}
    return json.dumps({"Title": "High intent visit", "Event": "Session", "MessageProperty": numbered}).encode()


RECEIVED = datetime(2026, 3, 3, 10, 22, tzinfo=UTC)


def test_an_alert_is_read_by_the_names_that_people_see() -> None:
    raw = delivery(
        ("Company Name", "Acme"),
        ("company domain", "acme.example"),
        ("Page Count", 4),
        ("Session Spent Time", 212),
        ("Referrer", "https://www.google.com/"),
        ("Channel", "Organic Search"),
        ("Mood", "good"),
    )
    read_alert = alert(raw, RECEIVED)
    assert read_alert is not None
    (row,), _, _ = Reader(records.Alert).read([read_alert])
    assert (row.company_name, row.company_domain, row.page_views, row.seconds) == ("Acme", "acme.example", 4, 212)
    assert (row.referral_source, row.received_at) == ("https://www.google.com/", RECEIVED)
    again = alert(raw, RECEIVED.replace(minute=59))
    later = alert(raw, RECEIVED.replace(hour=11))
    ids = [Reader(records.Alert).read([each])[0][0].id for each in (again, later) if each]
    assert ids[0] == row.id != ids[1]


def test_a_trial_delivery_is_dropped_and_one_without_a_company_is_set_aside() -> None:
    assert alert(delivery(("Company Name", "test"), ("Company Domain", "test"), ("Page Count", 1234)), RECEIVED) is None
    nobody = alert(delivery(("Page Count", 4)), RECEIVED)
    assert nobody is not None
    _, _, (bad,) = Reader(records.Alert).read([nobody])
    assert "neither a company nor its domain" in bad.reason
