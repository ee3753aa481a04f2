"""PostHog's counts of the web site against its emulator: the same visits that Google Analytics sees, day by day."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from gtm_platform.ingest.market_feeds import SignalFeed
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.sandbox.ga4.store import COUNTED, PageOfVisit, PropertyStore
from gtm_platform.sandbox.posthog import PROJECT_ID, TOKEN, app
from gtm_platform.sandbox.posthog.store import PostHogPerson, PostHogStore
from gtm_platform.sandbox.posthog.web_visits import COMPANY_PROPERTY, CONVERSION, WEB_HOST
from gtm_platform.sandbox.world.world import World
from gtm_platform.sources.posthog import client
from gtm_platform.sources.posthog import streams as product_streams
from gtm_platform.sources.posthog.client import PostHog
from gtm_platform.sources.posthog.feeds import FEEDS
from gtm_platform.sources.posthog.settings import PostHogSettings
from gtm_platform.sources.posthog.web_streams import WEB_STREAMS
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.tables import filled, rows_of

START = datetime(2026, 3, 2, tzinfo=UTC)
A_DAY = timedelta(days=1)
NOW = START + timedelta(days=20)
RECORDED = START - 400 * A_DAY
EVERYTHING = Window(BEGINNING, NOW, full=True)


@pytest.fixture(scope="module")
def world() -> World:
    return World(3, 300, START)


@pytest.fixture(scope="module")
def seen_by_google(world: World) -> list[PageOfVisit]:
    return list(PropertyStore(world.market, "3").rows(RECORDED.date(), (NOW - A_DAY).date(), NOW))


@pytest.fixture
def store(world: World) -> PostHogStore:
    """A project that sees the visits of the market."""
    return PostHogStore(recorded_from=START, market=world.market)


@contextmanager
def opened(stand: Stand, store: PostHogStore, **more: Any) -> Iterator[PostHog]:
    stand.emulator = app(store, lambda: NOW)
    config = {
        "posthog_api_key": SecretStr(TOKEN),
        "posthog_project_id": str(PROJECT_ID),
        "posthog_host": stand.url,
        "posthog_web_hosts": f"{WEB_HOST}, blog.ours.example",
        "posthog_conversion_events": CONVERSION,
        "posthog_company_property": COMPANY_PROPERTY,
    }
    with client.connect(PostHogSettings(**{**config, **more})) as posthog:
        yield posthog


def read(name: str, posthog: PostHog, window: Window = EVERYTHING) -> list[Any]:
    stream = next(each for each in WEB_STREAMS if each.name == name)
    records = []
    for page in stream.pages(posthog, window):
        good, _, bad = Reader(stream.record, stream.key).read(page)
        assert bad == []
        records += good
    return records


def sessions_of(rows: list[PageOfVisit]) -> Counter[Any]:
    return Counter(day for day, _ in {(row.day, row.visit.id) for row in rows})


def test_it_counts_the_sessions_and_conversions_of_each_day_that_google_counts(
    stand: Stand, store: PostHogStore, seen_by_google: list[PageOfVisit]
) -> None:
    with opened(stand, store) as posthog:
        traffic = read("web_traffic", posthog)
    by_day: Counter[Any] = Counter()
    for row in traffic:
        by_day[row.date] += row.sessions
    assert by_day == sessions_of(seen_by_google)
    converted = {row.visit.id for row in seen_by_google if COUNTED["keyEvents"](row)}
    assert sum(row.conversions for row in traffic) == len(converted) > 3
    assert sum(row.page_views for row in traffic) == sum(row.views for row in seen_by_google)
    assert {(row.source, row.medium) for row in traffic} >= {
        ("(direct)", "(none)"),
        ("www.google.com", "referral"),
        ("newsletter", "email"),
    }
    assert {row.host for row in traffic} == {WEB_HOST}
    assert all(row.day_at.date() == row.date for row in traffic)


def test_pages_are_counted_by_host_and_path(
    stand: Stand, store: PostHogStore, seen_by_google: list[PageOfVisit]
) -> None:
    with opened(stand, store) as posthog:
        pages = read("web_pages", posthog)
    views: Counter[Any] = Counter()
    for row in seen_by_google:
        views[row.day, row.page] += row.views
    assert Counter({(row.date, row.page_path): row.page_views for row in pages}) == views


def test_a_window_brings_its_days_whole_and_a_session_once(stand: Stand, store: PostHogStore) -> None:
    """Sessions that go on past midnight, or past the end of a query's span, belong to the day they began on."""
    with opened(stand, store) as posthog:
        whole = read("web_traffic", posthog)
        days = [Window(NOW - n * A_DAY, NOW - (n - 1) * A_DAY) for n in range(40, 0, -1)]
        by_day = [row for window in days for row in read("web_traffic", posthog, window)]
    assert by_day == [row for row in whole if row.day_at >= NOW - 40 * A_DAY]


@pytest.mark.parametrize("name", [stream.name for stream in WEB_STREAMS])
def test_pages_of_any_size_and_spans_of_any_length_bring_the_same_rows(
    stand: Stand, store: PostHogStore, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with opened(stand, store) as posthog:
        whole = read(name, posthog)
        monkeypatch.setattr(product_streams, "SLICE", 7 * A_DAY)
        assert read(name, replace(posthog, page_size=3)) == whole
    assert len(whole) > 10


def test_companies_are_those_that_a_property_names_else_those_of_addresses(
    stand: Stand, store: PostHogStore, seen_by_google: list[PageOfVisit], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {(row.day, row.domain) for row in seen_by_google if row.visit.id % 4}
    with opened(stand, store) as posthog:
        visits = read("company_visits", posthog)
    assert {(row.date, row.company_domain) for row in visits} == named
    with opened(stand, store, posthog_company_property=None) as posthog:
        assert read("company_visits", posthog) == []
    someone = PostHogPerson("9", START, ["u"], {"email": "Ann@Acme.example"}, None)
    monkeypatch.setattr("gtm_platform.sandbox.posthog.web_visits.PostHogPerson", lambda *_: someone)
    with opened(stand, store, posthog_company_property=None) as posthog:
        visits = read("company_visits", posthog)
    assert {row.company_domain for row in visits} == {"acme.example"}


def test_a_visit_is_a_signal_by_company_and_day(stand: Stand, store: PostHogStore) -> None:
    with opened(stand, store) as posthog:
        visits = read("company_visits", posthog)
    [feed] = [feed for feed in FEEDS if isinstance(feed, SignalFeed)]
    assert feed.rows is not None
    assert callable(feed.signal_id)
    table = feed.rows(filled(feed.table, *(row.model_dump() for row in visits)))
    rows = rows_of(table.mutate(id=feed.signal_id(table)))
    assert len({row["id"] for row in rows}) == len(rows) > 5
    assert all(row["pages"] == sorted(set(row["pages"])) != [] for row in rows)


def test_without_hosts_nothing_is_asked_for(stand: Stand, store: PostHogStore) -> None:
    with opened(stand, store, posthog_web_hosts=None) as posthog:
        assert [read(stream.name, posthog) for stream in WEB_STREAMS] == [[], [], []]
    assert stand.requested == []
    assert "POSTHOG_WEB_HOSTS" in PostHogSettings().hints()[0]


def test_a_property_is_a_name_and_nothing_else() -> None:
    with pytest.raises(ValidationError):
        PostHogSettings(posthog_company_property="a) OR (1=1")
