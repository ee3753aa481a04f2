"""What PostHog and Userflow bring of people and their use of the product, read by their feeds, against the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import ibis
import pytest

from gtm_platform.identity import normalise
from gtm_platform.ingest.feeds import PersonFeed, UsageFeed, feed_rows, read
from gtm_platform.ingest.source import Source
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.server import running
from gtm_platform.settings import settings
from gtm_platform.sources.posthog import feeds as posthog_feeds
from gtm_platform.sources.posthog.source import SOURCE as POSTHOG
from gtm_platform.sources.userflow import feeds as userflow_feeds
from gtm_platform.sources.userflow.source import SOURCE as USERFLOW
from gtm_platform_tests.ingest.syncing import Clock, Syncing

pytestmark = pytest.mark.soak

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 12  # enough for signups that come late, and for a second full refresh
PEOPLE, SEED = 150, 4
PERSON_FEEDS = {feed.source: feed for feeds in (posthog_feeds, userflow_feeds) for feed in feeds.FEEDS
                if isinstance(feed, PersonFeed)}  # fmt: skip
USAGE_FEEDS = {(feed.source, feed.measure): feed for feeds in (posthog_feeds, userflow_feeds) for feed in feeds.FEEDS
               if isinstance(feed, UsageFeed)}  # fmt: skip
Person = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """A lake into which both sources were read day by day, and what is true at the end of its last day."""

    lake: Lake
    day: date
    people: list[Person]

    def of(self, table: str) -> ibis.Table:
        return self.lake.read_day(table, self.day.isoformat())

    def usage(self, source: str, measure: str) -> list[dict[str, Any]]:
        feed = USAGE_FEEDS[source, measure]
        table = self.of(feed.table)
        columns = {"id": read(table, feed.record_id), "at": read(table, feed.at)}
        if feed.value is not None:
            columns["value"] = read(table, feed.value)
        rows: list[dict[str, Any]] = table.select(**columns).to_pyarrow().to_pylist()
        return rows


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    lake = Lake(tmp_path_factory.mktemp("home") / "lake")
    with running(PEOPLE, SEED, START) as box, pytest.MonkeyPatch.context() as patch:
        for name, value in box.env.items():
            patch.setenv(name, value)
        settings.cache_clear()
        for day in range(DAYS):
            box.world.advance(START + timedelta(days=day + 1))
            for source in (POSTHOG, USERFLOW):
                _sync(lake, source, START + timedelta(days=day))
        last = (START + timedelta(days=DAYS - 1)).date()
        yield Read(lake, last, box.world.truth(last, ("posthog", "userflow"))["people"])
    settings.cache_clear()


def _sync(lake: Lake, source: Source, start: datetime) -> None:
    syncing = Syncing(lake, source, Clock(start + timedelta(days=1)))
    with source.open() as client:
        for stream in source.streams:
            syncing.fill(client, stream.name, start)


@pytest.mark.parametrize("source", ["posthog", "userflow"])
def test_everybody_is_there_with_the_address_and_nobody_else(product: Read, source: str) -> None:
    feed = PERSON_FEEDS[source]
    table = feed_rows(feed, product.of(feed.table))
    rows = (
        table.select(id=read(table, feed.id), email=normalise.email(read(table, feed.email))).to_pyarrow().to_pylist()
    )
    addresses = {row["id"]: row["email"] for row in rows}
    true = {id_: person for person in product.people for id_ in person[source]}
    assert set(addresses) == set(true)
    assert len(true) > 60
    assert any(address is None for address in addresses.values())
    wrong = {id_ for id_, email in addresses.items() if email and email not in true[id_]["emails"]}
    assert wrong == set()


def test_the_product_s_own_id_ties_both(product: Read) -> None:
    ids = {}
    for source, feed in PERSON_FEEDS.items():
        table = feed_rows(feed, product.of(feed.table))
        rows = table.select(id=read(table, feed.id), own=read(table, feed.shared_ids["product"])).to_pyarrow()
        ids[source] = {row["id"]: row["own"] for row in rows.to_pylist()}
    both = [person for person in product.people if person["posthog"] and person["userflow"]]
    tied = [ids["posthog"][person["posthog"][0]] == ids["userflow"][person["userflow"][0]] for person in both]
    assert sum(tied) > 0.9 * len(both) > 50  # some are identified by their address there


@pytest.mark.parametrize(("days", "figure"), [(7, "logins_7d"), (30, "logins_30d")])
def test_logins_are_true(product: Read, days: int, figure: str) -> None:
    first = product.day - timedelta(days=days - 1)
    counted: dict[str, int] = {}
    for row in product.usage("posthog", "logins"):
        if first <= row["at"] <= product.day:
            counted[row["id"]] = counted.get(row["id"], 0) + row["value"]
    people = [person for person in product.people if person["posthog"]]
    assert {p["person"]: sum(counted.get(id_, 0) for id_ in p["posthog"]) for p in people} == {
        p["person"]: p[figure] for p in people
    }
    assert sum(counted.values()) > 100


def test_the_last_sight_of_both_is_true(product: Read) -> None:
    latest: dict[tuple[str, str], datetime] = {}
    for source in PERSON_FEEDS:
        for row in product.usage(source, "seen"):
            key = source, row["id"]
            latest[key] = max(row["at"], latest.get(key, row["at"]))
    for person in product.people:
        sights = [latest[source, id_] for source in PERSON_FEEDS for id_ in person[source] if (source, id_) in latest]
        true = person["last_seen_at"]
        assert max(sights, default=None) == (datetime.fromisoformat(true) if true else None), person["person"]


def test_onboarding_is_true(product: Read) -> None:
    percent = {row["id"]: row["value"] for row in product.usage("userflow", "onboarding")}
    end = datetime.combine(product.day, time(), UTC) + timedelta(days=1)
    assert all(row["at"] < end for row in product.usage("userflow", "onboarding"))
    people = [person for person in product.people if person["userflow"]]
    assert {p["person"]: percent[p["userflow"][0]] for p in people} == {
        p["person"]: p["onboarding_pct"] for p in people
    }
    assert len(set(percent.values())) > 3
