"""The platform reading the bench's server: HubSpot's own record of a contact, an `Api` whose pace is no limit, and the
stream, sweep and lake that every source has."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from gtm_platform.http.client import Api
from gtm_platform.http.pages import Page, expect_list
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.plan import PartitionWindow, SyncRules
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.ingest.stream_sync import StreamSync
from gtm_platform.lake.duckdb_engine import value
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import SystemSettings, settings
from gtm_platform.sources.hubspot.records import Contact

DAY = PartitionWindow("2026-11-19", datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
RULES = SyncRules(full_every_days=7, max_shrinkage=0.2, shrinkage_min_records=100)
PAGES = CursorPaging(next_at=("paging", "next", "after"), send_as="after", rows="results")


def contacts(client: tuple[Api, int], window: Window) -> Iterator[Page]:  # noqa: ARG001
    api, records = client
    ask = partial(api.get, f"/{records}/contacts", check=expect_list("results"))
    for page, _ in PAGES.walk(ask, {"limit": 100}):
        yield page


SOURCE = Source(
    "bench",
    Schedule(24),
    SystemSettings,
    connect=lambda _: nullcontext(),
    check=lambda _: "",
    streams=(Stream("contacts", Contact, contacts, cursor_field="updated_at"),),
)


def land(url: str, records: int) -> dict[str, Any]:
    """Reads them all into the lake's table, and counts them there."""
    lake, pace = Lake(settings().home / "lake"), RateLimiter(1e6, 1_000_000)
    sync = StreamSync(lake, SOURCE, SOURCE.streams[0], RULES, DAY.end + timedelta(minutes=30), "bench")
    with Api("Bench", url, auth=None, rate_limiters=pace, retry=RetryPolicy(), keys=()) as api:
        sync.sync((api, records), [DAY])
    counted = value(lake.as_of("bench/contacts", DAY.key + "~").count())
    if counted != records:
        raise AssertionError(f"{counted} of {records} records are in the table.")
    return {"records": counted}
