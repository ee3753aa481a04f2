"""Limits and outages: how long the shop is waited for, and what becomes of a run that waits in vain."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from pydantic import SecretStr

from gtm_platform.http.errors import RateLimited, RetriesExhausted, Unavailable
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.hubspot.client import HubSpotClient, RateLimits
from gtm_platform.sources.hubspot.source import SOURCE as HUBSPOT
from gtm_platform_tests.faults import invariants
from gtm_platform_tests.faults.fake_api import KEY, TABLE, Fault, nothing
from gtm_platform_tests.faults.reading import SourceReading, shop_api
from gtm_platform_tests.http.server import served, whole
from gtm_platform_tests.ingest.syncing import Clock as Calendar
from gtm_platform_tests.ingest.syncing import Syncing

REPEATED = json.dumps({"message": f"Too much for key {KEY}"}).encode()
NOON = "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n"


def limited(headers: str = "", body: bytes = REPEATED) -> Fault:
    return lambda _: whole(body, "429 Too Many Requests", headers)


def down(status: str = "500 Internal Server Error") -> Fault:
    return lambda _: whole(REPEATED, status)


def between(moments: list[float]) -> list[float]:
    """How long it was from call to call; those that follow at once left out."""
    return [later - earlier for earlier, later in pairwise(moments) if later > earlier]


# --- a wait that is asked for --------------------------------------------------------------------------------------


@pytest.mark.faults("S1")
def test_a_wait_that_is_asked_for_is_kept(reading: SourceReading) -> None:
    assert between(reading.gets_through({2: limited("Retry-After: 7\r\n")}.get)) == [7]


@pytest.mark.faults("S1")
def test_waits_that_were_asked_for_cost_nothing_of_the_budget(reading: SourceReading) -> None:
    often = {call: limited("Retry-After: 100\r\n") for call in range(2, 8)}
    assert between(reading.gets_through(often.get, budget=1.0)) == [100] * 6


@pytest.mark.faults("S1", "S5")
def test_but_not_for_ever(reading: SourceReading) -> None:
    failure = reading.fails(
        RetriesExhausted, lambda _: limited("Retry-After: 100\r\n"), "answered 429", "Run again later"
    )
    assert isinstance(failure.__cause__, RateLimited)
    assert failure.metadata()["status"] == 429


@pytest.mark.faults("S1")
def test_a_limit_that_one_worker_meets_holds_up_all(reading: SourceReading) -> None:
    """The others ask as soon as the first has begun to wait, when by the clock no time has passed."""
    reading.shop.begins_a_run({1: limited("Retry-After: 30\r\n")}.get)
    others: list[bytes] = []

    def sleep(seconds: float) -> None:
        with ThreadPoolExecutor(3) as workers:
            others.extend(workers.map(lambda _: api.get("/orders"), range(3)))
        reading.clock.sleep(seconds)

    with shop_api(reading.url, reading.clock, sleep=sleep) as api:
        assert [api.get("/orders")] * 3 == others
    assert reading.calls == 5
    assert reading.moments[0] == 0
    assert min(reading.moments[1:]) >= 30


@pytest.mark.faults("S2")
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        (f"Retry-After: Sat, 21 Nov 2026 12:01:30 GMT\r\n{NOON}", 90),
        (f"Retry-After: Sat, 21 Nov 2026 11:00:00 GMT\r\n{NOON}", 0.5),
        ("Retry-After: -5\r\n", 0.5),
        ("Retry-After: soon\r\n", 0.5),
        ("Retry-After: 0\r\n", 0.5),
        (f"Retry-After: {KEY}\r\n", 0.5),
    ],
)
def test_a_wait_is_read_by_the_shops_own_clock_and_nonsense_is_none(
    reading: SourceReading, headers: str, wait: float
) -> None:
    assert between(reading.gets_through({3: limited(headers)}.get)) == [wait]


@pytest.mark.faults("S2")
@pytest.mark.parametrize(
    ("wait", "moment"),
    [
        ("86400", "2026-03-03 00:15"),
        ("Sun, 22 Nov 2026 12:00:00 GMT", "2026-03-03 00:15"),
        ("999999999999", "2036-02-28 00:15"),
    ],
    ids=["a day", "until a date", "longer than there are dates"],
)
def test_a_huge_wait_ends_the_run_at_once_and_says_when_to_come_back(
    reading: SourceReading, wait: str, moment: str
) -> None:
    began = reading.clock.now()
    reading.shop.a_day_passes()
    failure = reading.stays_as_it_was(
        RetriesExhausted,
        {2: limited(f"Retry-After: {wait}\r\n{NOON}")}.get,
        f"Run again after {moment} UTC",
        wall=lambda: datetime(2026, 3, 2, 0, 15, tzinfo=UTC),
    )
    assert reading.calls == 2
    assert reading.clock.now() == began
    assert "longer than the 120 that a run waits" in str(failure)
    reading.gets_through(nothing)


# --- no wait that is asked for -------------------------------------------------------------------------------------


@pytest.mark.faults("S3")
@pytest.mark.parametrize("page", [b"", b'{"orders": [', b'{"orders": [], "next": null}'], ids=["empty", "cut", "good"])
def test_a_limit_without_a_word_is_backed_off_from_and_is_no_page(reading: SourceReading, page: bytes) -> None:
    thrice = {call: limited(body=page) for call in (2, 3, 4)}
    assert between(reading.gets_through(thrice.get)) == [0.5, 1, 2]
    assert between(reading.gets_through(thrice.get, random=lambda: 0.5)) == [0.25, 0.5, 1]


@pytest.mark.faults("S5")
@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable"])
@pytest.mark.parametrize("times", [1, 5])
def test_an_outage_that_passes_is_waited_out(reading: SourceReading, status: str, times: int) -> None:
    script = {2 + time: down(status) for time in range(times)}
    assert between(reading.gets_through(script.get)) == [0.5, 1, 2, 4, 8][:times]


@pytest.mark.faults("S5")
def test_an_outage_without_end_ends_the_run_within_the_budget(reading: SourceReading) -> None:
    """A sweep lands whole windows, not pages: the pages that came before the outage are asked for again, and the
    windows of earlier runs stay. Nothing of the sweep that failed is ever seen."""
    began = reading.clock.now()
    failure = reading.fails(
        RetriesExhausted, lambda call: down() if call > 2 else None, "answered 500", "Run again later"
    )
    assert isinstance(failure.__cause__, Unavailable)
    assert reading.clock.now() - began <= 300


@pytest.mark.faults("S5")
def test_a_dead_shop_is_not_hammered_and_its_recovery_is_noticed(reading: SourceReading) -> None:
    """No breaker is needed to spare a system: whoever waits asks twice a minute, with one call, which is what a breaker
    that half-opens would let through; the first that succeeds goes on at once."""
    recovers = reading.clock.now() + 200
    moments = reading.gets_through(lambda _: down() if reading.clock.now() < recovers else None)
    waits = between(moments)
    assert waits == [0.5, 1, 2, 4, 8, 16, *[30] * 6]
    assert sum(waits) - 200 < 30


# --- a limit for the day -------------------------------------------------------------------------------------------


@pytest.mark.faults("S4")
def test_a_daily_limit_that_is_used_up_ends_that_source_only(reading: SourceReading) -> None:
    """One call, no wait, and a sentence; into the same lake the shop is read as ever."""
    used_up = {"status": "error", "message": f"Your key {KEY}", "errorType": "RATE_LIMIT", "policyName": "DAILY"}
    clock, midnight = reading.clock, datetime(2026, 3, 2, tzinfo=UTC)
    before, began = invariants.seen(reading.lake), clock.now()
    with served(whole(json.dumps(used_up).encode(), "429 Too Many Requests")) as (url, _):
        patience = RetryPolicy(now=clock.now, sleep=clock.sleep)
        limits = RateLimits(*(RateLimiter(9, 9, clock.now, clock.sleep) for _ in range(2)))
        hubspot = HubSpotClient(SecretStr(KEY), url, retry=patience, limits=limits)
        syncing = Syncing(reading.lake, HUBSPOT, Calendar(midnight + timedelta(minutes=15)))
        with pytest.raises(RetriesExhausted) as caught:
            syncing.fill(hubspot, "contacts", midnight - timedelta(hours=12))
        hubspot.close()
    assert (invariants.seen(reading.lake), clock.now()) == (before, began)
    invariants.fit_for_a_person(caught.value, "HubSpot", "daily limit of calls is used up", "until midnight")
    invariants.secret_in_no_failure(KEY, caught.value)
    reading.gets_through(nothing)
    assert set(reading.lake.partitions(TABLE)) == {"2026-03-01T0000", "2026-03-02T0000"}
