"""Sumble: what a run may spend, what becomes of job posts, and how urgent they are."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.http.errors import InvalidResponse, Transient
from gtm_platform.ingest.credits import CreditAllowance, MonthLedger, spending
from gtm_platform.ingest.market_feeds import CompetitorFeed, FirmographicFeed, SignalFeed
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.policy import policy
from gtm_platform.sandbox.sumble import EMULATOR, SumbleStore, app
from gtm_platform.sources.sumble import records, streams
from gtm_platform.sources.sumble.client import JOB_PRICE, LOOKUP_PRICE, ORGANIZATION_PRICE, Sumble
from gtm_platform.sources.sumble.credits import BudgetSpent, Credits, OutOfCredits
from gtm_platform.sources.sumble.feeds import FEEDS, urgent
from gtm_platform.sources.sumble.source import SOURCE
from gtm_platform.sync_rules import sync_rules
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.market_world import NOW, always, feed_rows, market, opened, synced

WHOLE = Window(BEGINNING, NOW, full=True)
SIGNALS, COMPETITORS, FIRMS = (
    next(feed for feed in FEEDS if isinstance(feed, kind)) for kind in (SignalFeed, CompetitorFeed, FirmographicFeed)
)


@pytest.fixture
def store() -> SumbleStore:
    return SumbleStore(market())


@pytest.fixture
def sumble(stand: Stand, store: SumbleStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sumble]:
    with opened(SOURCE, EMULATOR, app(store, lambda: NOW), stand, monkeypatch) as client:
        yield client


def posts(sumble: Sumble, window: Window = WHOLE) -> list[bytes]:
    return [row for page in streams.jobs(sumble, window) for row in page]


# --- credits ---------------------------------------------------------------------------------------------------------


def test_a_run_costs_what_its_rows_cost(sumble: Sumble, store: SumbleStore) -> None:
    before = store.credits
    jobs = posts(sumble)
    organizations = [row for page in streams.organizations(sumble, WHOLE) for row in page]
    list(streams.technologies(sumble, WHOLE))
    cost = JOB_PRICE * len(jobs) + ORGANIZATION_PRICE * len(organizations) + LOOKUP_PRICE
    assert before - store.credits == sumble.credits.spent == cost
    assert sumble.credits.remaining == store.credits


def test_posts_are_paid_for_once_a_run(sumble: Sumble, stand: Stand) -> None:
    for _ in range(2):
        posts(sumble)
        list(streams.organizations(sumble, WHOLE))
    assert stand.requested.count("POST /v9/jobs") == 1


def test_a_run_stops_before_a_page_that_would_pass_its_cap(
    stand: Stand, store: SumbleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gtm_platform.sources.sumble.client.LARGEST_PAGE", 4)
    served = app(store, lambda: NOW)
    cap = str(6 * JOB_PRICE)
    with opened(SOURCE, EMULATOR, served, stand, monkeypatch, SUMBLE_MAX_CREDITS_PER_RUN=cap) as client:
        before = store.credits
        with pytest.raises(BudgetSpent, match="SUMBLE_MAX_CREDITS_PER_RUN=30"):
            posts(client)
        assert before - store.credits == 4 * JOB_PRICE, "what cannot be finished is not gone on with"
    assert stand.requested == ["POST /v9/jobs"]


def test_an_account_with_too_few_credits_is_asked_for_one_post_only(
    stand: Stand, sumble: Sumble, store: SumbleStore
) -> None:
    store.credits = 50
    list(streams.technologies(sumble, WHOLE))
    asked = len(stand.requested)
    with pytest.raises(OutOfCredits, match="44 credits left"):
        posts(sumble)
    assert len(stand.requested) == asked + 1
    assert store.credits == 49 - JOB_PRICE


def test_what_fits_into_the_credits_is_read_though_a_whole_page_would_not(sumble: Sumble, store: SumbleStore) -> None:
    store.credits = 300
    list(streams.technologies(sumble, WHOLE))
    assert len(posts(sumble)) > 10


@pytest.mark.faults("S3")
def test_out_of_credits_is_said_and_not_tried_again(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = always(402, b'{"detail": "You are out of credits."}')
    with (
        opened(SOURCE, EMULATOR, refusing, stand, monkeypatch) as client,
        pytest.raises(OutOfCredits, match=r"out of credits.*Buy credits"),
    ):
        posts(client)
    assert stand.requested == ["POST /v9/jobs"]


def test_after_out_of_credits_no_other_stream_of_the_run_asks(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = always(402, b'{"detail": "You are out of credits."}')
    with opened(SOURCE, EMULATOR, refusing, stand, monkeypatch) as client:
        for stream in (streams.technologies, streams.jobs, streams.organizations):
            with pytest.raises(OutOfCredits, match="Sumble is out of credits"):
                list(stream(client, WHOLE))
        assert client.credits.month.spent().committed == 0, "a call that was refused cost nothing"
    assert stand.requested == ["POST /v9/technologies/lookup"]


def credits_of(cap: int, monthly_cap: int | None = None) -> Credits:
    allowance = CreditAllowance(None if monthly_cap is None else Decimal(monthly_cap), "run")
    return Credits(cap, MonthLedger("sumble", allowance))


def test_what_a_failed_call_may_have_cost_stays_reserved() -> None:
    credits = credits_of(cap=100)
    credits.settle(credits.reserve("/jobs", 60), b'{"credits_used": 20, "credits_remaining": 500}')
    lost = credits.reserve("/jobs", 80)
    credits.fail(lost, Transient("Sumble", "The connection broke."))
    assert (credits.spent, credits.month.spent().charged, credits.month.spent().reserved) == (100, 20, 80)
    with pytest.raises(BudgetSpent, match="spent 100"):
        credits.reserve("/jobs", 1)


# --- the month -------------------------------------------------------------------------------------------------------


def test_runs_share_the_cap_of_the_month(stand: Stand, store: SumbleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.credits
    with opened(SOURCE, EMULATOR, app(store, lambda: NOW), stand, monkeypatch) as first:
        posts(first)
        cost = before - store.credits
        assert first.credits.month.spent().charged == cost > 50
        stand.requested.clear()
        with spending(CreditAllowance(Decimal(cost + 3), "second")), SOURCE.connect(first.settings) as second:
            list(streams.technologies(second, WHOLE))
            with pytest.raises(
                BudgetSpent, match=rf"{cost + 1} of the {cost + 3} credits .* nothing more .*monthly_cap"
            ):
                posts(second)
    assert stand.requested == ["POST /v9/technologies/lookup"]
    assert before - store.credits == cost + LOOKUP_PRICE


def test_two_runs_at_99_percent_of_the_cap_spend_not_one_credit_more() -> None:
    """Each call may cost all that is left: only one of the two leaves."""
    used = credits_of(cap=10_000, monthly_cap=1_000)
    used.settle(used.reserve("/jobs", 990), b'{"credits_used": 990, "credits_remaining": 99999}')
    runs = [credits_of(cap=10_000, monthly_cap=1_000) for _ in range(2)]

    def spend_ten(credits: Credits) -> bool:
        try:
            credits.settle(credits.reserve("/jobs", 10), b'{"credits_used": 10, "credits_remaining": 99999}')
        except BudgetSpent:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(spend_ten, runs)) == [False, True]
    assert used.month.spent().committed == 1_000


def test_a_month_without_a_cap_is_counted_all_the_same() -> None:
    credits = credits_of(cap=100_000)
    credits.settle(credits.reserve("/jobs", 60_000), b'{"credits_used": 50000, "credits_remaining": 9}')
    assert credits.month.spent().charged == 50_000


def test_a_run_takes_the_cap_of_the_policy() -> None:
    assert sync_rules().credit_cap("sumble") == policy().enrichment.monthly_cap["sumble"]
    assert sync_rules().credit_cap("hubspot") is None


# --- posts -----------------------------------------------------------------------------------------------------------


def test_every_open_post_about_ai_is_read_and_no_other(sumble: Sumble, store: SumbleStore) -> None:
    read = {record.id: record for record in Reader(records.Job).read(posts(sumble))[0]}
    recent = [post for post in store.posts(NOW) if post.job.posted > NOW - timedelta(days=90)]
    about_ai = {str(post.job.id) for post in recent if post.job.is_ai}
    assert about_ai
    assert about_ai <= set(read)
    others = [record for id_, record in read.items() if id_ not in about_ai]
    assert all(record.competitors and not record.topics and not record.watched_functions for record in others)
    assert all(record.used_competitors == record.competitors for record in others)


@pytest.mark.parametrize(("days", "period"), [(1, "1mo"), (28, "1mo"), (29, "3mo"), (100, "6mo"), (900, "1yr")])
def test_the_shortest_period_that_reaches_back_is_asked_for(sumble: Sumble, days: int, period: str) -> None:
    assert sumble.period_since(NOW - timedelta(days=days)) == period


def test_organisations_of_a_window_are_those_that_posted_in_it(sumble: Sumble) -> None:
    window = Window(NOW - timedelta(days=8), NOW)
    pages = list(streams.organizations(sumble, window))
    read, _, rejected = Reader(records.Organization).read([row for page in pages for row in page])
    assert read
    assert not rejected
    assert all(window.start <= record.last_posted_at < window.end for record in read)
    whole = [row for page in streams.organizations(sumble, WHOLE) for row in page]
    assert len(whole) > len(read)


def test_a_technology_that_sumble_does_not_have_is_set_aside(
    stand: Stand, store: SumbleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = app(store, lambda: NOW)
    with opened(SOURCE, EMULATOR, served, stand, monkeypatch, SUMBLE_TECHNOLOGIES="rag,ragg") as client:
        (page,) = streams.technologies(client, WHOLE)
    good, _, (bad,) = Reader(records.Technology, ("slug",)).read(page)
    assert {record.slug for record in good if record.is_competitor} == set(client.settings.competitors)
    assert bad.reason == "Sumble has no technology 'ragg'"


class Forgetful:
    """In front of the emulator: the second page of posts is the first once more, as often as it says."""

    def __init__(self, emulator: ASGIApp, times: int) -> None:
        self.emulator, self.times = emulator, times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        wish = json.loads(body or b"{}")
        if wish.get("offset") and self.times:
            self.times -= 1
            wish["offset"] = 0

        async def again() -> dict[str, Any]:
            return {"type": "http.request", "body": json.dumps(wish).encode(), "more_body": False}

        await self.emulator(scope, again, send)


@pytest.mark.faults("S10")
def test_a_list_that_comes_short_is_read_once_more(
    stand: Stand, store: SumbleStore, sumble: Sumble, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {record.id for record in Reader(records.Job).read(posts(sumble))[0]}
    monkeypatch.setattr("gtm_platform.sources.sumble.client.LARGEST_PAGE", 12)
    with opened(SOURCE, EMULATOR, Forgetful(app(store, lambda: NOW), 1), stand, monkeypatch) as client:
        assert {record.id for record in Reader(records.Job).read(posts(client))[0]} == every
    forgetful = Forgetful(app(store, lambda: NOW), 99)
    with (
        opened(SOURCE, EMULATOR, forgetful, stand, monkeypatch) as client,
        pytest.raises(InvalidResponse, match="twice"),
    ):
        posts(client)


# --- feeds -----------------------------------------------------------------------------------------------------------


def test_who_hires_for_ai_is_a_signal_and_who_runs_a_competitor_is_evidence(sumble: Sumble, tmp_path: Path) -> None:
    lake = synced(SOURCE, sumble, tmp_path)
    companies = {each.company.domain: each.signals for each in market().companies(NOW)}
    signals = feed_rows(lake, SIGNALS, "signal_id", "company_domain", "strength", "topics")
    assert signals
    for row in signals:
        jobs = {f"job:{job.id}": job for job in companies[row["company_domain"]].jobs}
        assert jobs[row["signal_id"]].is_ai
        assert 0 < row["strength"] <= 1
    evidence = feed_rows(lake, COMPETITORS, "competitor", "company_domain", "confidence")
    uses = {
        (use.competitor, domain)
        for domain, signals_ in companies.items()
        for use in signals_.competitors
        if "job_posting" in use.channels
    }
    assert {(row["competitor"], row["company_domain"]) for row in evidence} == uses
    firms = feed_rows(lake, FIRMS, "company_domain", "employee_count", "country")
    sizes = {each.company.domain: each.company.size for each in market().companies(NOW)}
    assert firms
    assert all(sizes[row["company_domain"]] == row["employee_count"] and len(row["country"]) == 2 for row in firms)


def test_urgency_is_of_the_organisation() -> None:
    asof = datetime(2026, 3, 3, tzinfo=UTC)

    def job(id_: str, organization: str, days: int, *, used: bool = False, level: str = "Junior") -> dict[str, Any]:
        return {
            "id": id_, "organization_id": organization, "posted_at": asof - timedelta(days=days), "_window": asof,
            "used_competitors": ["pinecone"] if used else [], "job_levels": [level],
        }  # fmt: skip

    table = ibis.memtable(
        [
            job("1", "new and alone", 0),
            *(job(str(number), "many", 45) for number in range(2, 8)),
            job("8", "all of it", 0, used=True, level="Senior"),
            *(job(str(number), "all of it", 9) for number in range(9, 13)),
            job("20", "old", 90),
            job("21", "older", 120),
        ],
        schema={
            "id": "string", "organization_id": "string", "posted_at": "timestamp('UTC', 6)",
            "_window": "timestamp('UTC', 6)", "used_competitors": "array<string>", "job_levels": "array<string>",
        },
    )  # fmt: skip
    rows = urgent(table).select("organization_id", "urgency_score").distinct().to_pyarrow().to_pylist()
    assert {row["organization_id"]: round(row["urgency_score"], 6) for row in rows} == {
        "new and alone": 40 + 6,
        "many": 20 + 30,
        "all of it": 100,
        "old": 6,
        "older": 0,
    }
