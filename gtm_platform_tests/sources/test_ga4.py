"""Google Analytics' reports against their emulator: tokens, days, empty answers, and what the feed makes of visits."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from gtm_platform.http.errors import BadRequest, Forbidden, Unauthorized
from gtm_platform.ingest.market_feeds import SignalFeed
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.sandbox.ga4 import app, service_account
from gtm_platform.sandbox.ga4.store import COMPANY_DIMENSION, PropertyStore
from gtm_platform.sandbox.world.world import World
from gtm_platform.sources.ga4 import client as ga4
from gtm_platform.sources.ga4.feeds import FEEDS
from gtm_platform.sources.ga4.settings import Ga4Settings
from gtm_platform.sources.ga4.streams import STREAMS
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.tables import filled, rows_of

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=20, hours=3)
A_DAY = timedelta(days=1)
EVERYTHING = Window(BEGINNING, START + 20 * A_DAY, full=True)


@pytest.fixture(scope="module")
def store() -> PropertyStore:
    return PropertyStore(World(3, 300, START).market, "300000003")


@contextmanager
def opened(stand: Stand, store: PropertyStore, **more: Any) -> Iterator[ga4.Analytics]:
    stand.emulator = app(store, lambda: NOW)
    config = {
        "ga4_service_account_json": SecretStr(service_account()),
        "ga4_property_id": store.property_id,
        "ga4_base_url": stand.url,
        "ga4_token_url": f"{stand.url}/token",
        "ga4_company_dimension": COMPANY_DIMENSION,
    }
    with ga4.connect(Ga4Settings(**{**config, **more})) as client:
        yield client


def read(name: str, client: ga4.Analytics, window: Window = EVERYTHING) -> list[Any]:
    stream = next(each for each in STREAMS if each.name == name)
    records = []
    for page in stream.pages(client, window):
        good, _, bad = Reader(stream.record, stream.key).read(page)
        assert bad == []
        records += good
    return records


def visits(store: PropertyStore, first: date, last: date) -> int:
    return len({row.visit.id for row in store.rows(first, last, NOW)})


def test_every_session_of_the_history_is_counted_once(stand: Stand, store: PropertyStore) -> None:
    with opened(stand, store) as client:
        traffic = read("traffic", client)
    last = START.date() + 19 * A_DAY
    assert sum(row.sessions for row in traffic) == visits(store, last - 399 * A_DAY, last) > 20
    assert {row.channel_group for row in traffic} >= {"Direct", "Organic Search", "Email"}
    assert {row.medium for row in traffic if row.source == "(direct)"} == {"(none)"}
    assert all(row.day_at.date() == row.date for row in traffic)
    assert sum(row.conversions for row in traffic) > 0


def test_a_window_is_asked_for_by_its_days(stand: Stand, store: PropertyStore) -> None:
    end = START + 3 * A_DAY
    with opened(stand, store) as client:
        rows = read("traffic", client, Window(end - 4 * A_DAY, end))
    days = {row.date for row in rows}
    assert days
    assert days <= {end.date() - n * A_DAY for n in range(1, 5)}
    assert sum(row.sessions for row in rows) == visits(store, end.date() - 4 * A_DAY, end.date() - A_DAY)


def test_an_answer_without_rows_is_no_page(stand: Stand, store: PropertyStore) -> None:
    long_ago = datetime(2019, 1, 1, tzinfo=UTC)
    with opened(stand, store) as client:
        assert read("traffic", client, Window(long_ago, long_ago + A_DAY)) == []


def test_a_report_is_read_page_by_page_and_slice_by_slice(
    stand: Stand, store: PropertyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(stand, store) as client:
        whole = read("pages", client)
        monkeypatch.setattr(ga4, "LARGEST_PAGE", 7)
        monkeypatch.setattr(ga4, "SLICE", timedelta(days=33))
        assert read("pages", client) == whole
    assert len(whole) > 20
    assert stand.requested.count("POST /token") == 1


def test_companies_are_read_where_a_dimension_names_them(stand: Stand, store: PropertyStore) -> None:
    with opened(stand, store) as client:
        named = read("company_visits", client)
    with opened(stand, store, ga4_company_dimension=None) as client:
        assert read("company_visits", client) == []
    [feed] = [feed for feed in FEEDS if isinstance(feed, SignalFeed)]
    assert feed.rows is not None
    assert callable(feed.signal_id)
    visits = feed.rows(filled("ga4/company_visits", *(row.model_dump() for row in named)))
    rows = rows_of(visits.mutate(id=feed.signal_id(visits)))
    ids = {row["id"] for row in rows}
    assert len(ids) == len(rows) > 5
    assert not [id for id in ids if "(not set)" in id]
    assert all(row["pages"] == sorted(set(row["pages"])) != [] for row in rows)


def test_a_dimension_that_the_property_lacks_is_noticed(stand: Stand, store: PropertyStore) -> None:
    with opened(stand, store) as client:
        assert ga4.check(client) == "property 300000003 with 8 dimensions"
    with opened(stand, store, ga4_company_dimension="customEvent:firm") as client:
        assert "none named customEvent:firm: check GA4_COMPANY_DIMENSION" in ga4.check(client)
        with pytest.raises(BadRequest, match="customEvent:firm is not a valid dimension"):
            read("company_visits", client)


def test_another_property_is_forbidden(stand: Stand, store: PropertyStore) -> None:
    with opened(stand, store, ga4_property_id="1") as client, pytest.raises(Forbidden, match="permissions"):
        ga4.check(client)
    with pytest.raises(ValidationError):
        Ga4Settings(ga4_property_id="properties/1")


def test_the_key_may_lie_in_a_file(stand: Stand, store: PropertyStore, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(service_account())
    with opened(stand, store, ga4_service_account_json=SecretStr(str(file))) as client:
        assert "300000003" in ga4.check(client)


@pytest.mark.parametrize(
    "key",
    [
        "/nowhere/key.json",
        "{not JSON",
        json.dumps({"client_email": "a@b.example"}),
        json.dumps({**json.loads(service_account()), "private_key": "no key"}),
        json.dumps({**json.loads(service_account()), "client_email": "stranger@b.example"}),
    ],
    ids=["no file", "no JSON", "no key in it", "a damaged key", "a key of somebody else"],
)
def test_a_key_that_is_none_is_refused_and_not_shown(stand: Stand, store: PropertyStore, key: str) -> None:
    with (
        pytest.raises(Unauthorized, match="GA4_SERVICE_ACCOUNT_JSON") as caught,
        opened(stand, store, ga4_service_account_json=SecretStr(key)) as client,
    ):
        ga4.check(client)
    assert key not in str(caught.value)
