"""YouTube: which videos are read within the quotas of a day, and which company a video is about."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from starlette.types import Receive, Scope, Send

from gtm_platform.http.errors import Unauthorized
from gtm_platform.ingest.market_feeds import CompetitorFeed
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.youtube import EMULATOR, Limits, YouTubeStore, app
from gtm_platform.sources.youtube import records, streams
from gtm_platform.sources.youtube.client import QuotaSpent, YouTube
from gtm_platform.sources.youtube.feeds import FEEDS
from gtm_platform.sources.youtube.mentions import company_in, competitor_in, name_in, pains_in
from gtm_platform.sources.youtube.source import SOURCE
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.market_world import NOW, always, feed_rows, market, opened, synced

WHOLE = Window(BEGINNING, NOW, full=True)
PRODUCTS = ("Pinecone", "Weaviate", "Qdrant")
SEARCH, ITEMS = "GET /youtube/v3/search", "GET /youtube/v3/playlistItems"
(EVIDENCE,) = [feed for feed in FEEDS if isinstance(feed, CompetitorFeed)]


@pytest.fixture
def youtube(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[YouTube]:
    with opened(SOURCE, EMULATOR, app(YouTubeStore(market()), lambda: NOW), stand, monkeypatch) as client:
        yield client


def read(youtube: YouTube, window: Window = WHOLE) -> list[records.Video]:
    good, _, rejected = Reader(records.Video).read([row for page in streams.videos(youtube, window) for row in page])
    assert not rejected
    return good


# --- reading ---------------------------------------------------------------------------------------------------------


def test_every_video_about_a_competitor_is_read_once(youtube: YouTube) -> None:
    videos = read(youtube)
    assert sorted(video.id for video in videos) == sorted(video.id for video in YouTubeStore(market()).videos(NOW))
    assert all(video.competitor and video.view_count and video.duration_seconds for video in videos)
    assert not any("&amp;" in str(video.title) or "&#x27;" in str(video.description) for video in videos)


def test_a_window_costs_a_search_for_each_competitor_and_a_page_of_each_channel(youtube: YouTube, stand: Stand) -> None:
    newest = max(read(youtube), key=lambda video: video.published_at)
    stand.requested.clear()
    window = Window(newest.published_at, NOW)
    assert [video.id for video in read(youtube, window)] == [newest.id]
    assert stand.requested.count(SEARCH) == len(youtube.settings.competitors)
    assert stand.requested.count(ITEMS) == len(youtube.settings.channel_ids)


def test_a_run_makes_no_more_searches_than_it_may(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtm_platform.sources.youtube.client.LARGEST_PAGE", 1)
    served = app(YouTubeStore(market()), lambda: NOW)
    with opened(SOURCE, EMULATOR, served, stand, monkeypatch, YOUTUBE_MAX_SEARCHES_PER_DAY="6") as client:
        assert read(client), "each query has its share: the newest"
    assert stand.requested.count(SEARCH) == 6
    stand.requested.clear()
    with (
        opened(SOURCE, EMULATOR, served, stand, monkeypatch, YOUTUBE_MAX_SEARCHES_PER_DAY="2") as client,
        pytest.raises(QuotaSpent, match="YOUTUBE_MAX_SEARCHES_PER_DAY"),
    ):
        read(client)
    assert stand.requested.count(SEARCH) == 2


@pytest.mark.faults("S3")
def test_a_quota_that_is_used_up_is_said_and_not_tried_again(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    spent = Limits(searches=Limit(1, 86_400))
    served = app(YouTubeStore(market()), lambda: NOW, spent)
    with (
        opened(SOURCE, EMULATOR, served, stand, monkeypatch) as client,
        pytest.raises(QuotaSpent, match="midnight Pacific"),
    ):
        read(client)
    assert stand.requested.count(SEARCH) == 2


def test_a_burst_is_waited_out_though_its_status_is_403(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    served, refusals = app(YouTubeStore(market()), lambda: NOW), [1]
    body = {"error": {"code": 403, "message": "Slow down", "errors": [{"reason": "rateLimitExceeded"}]}}
    refusing = always(403, msgspec.json.encode(body))

    async def limited_once(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = refusing if refusals else served
        refusals.clear()
        await chosen(scope, receive, send)

    with opened(SOURCE, EMULATOR, limited_once, stand, monkeypatch) as client:
        assert SOURCE.check(client)
    assert len(stand.requested) == 2


def test_a_key_that_is_not_valid_is_named_though_its_status_is_400(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = app(YouTubeStore(market()), lambda: NOW)
    with (
        opened(SOURCE, EMULATOR, served, stand, monkeypatch, YOUTUBE_API_KEY="wrong_0123456789") as client,
        pytest.raises(Unauthorized, match="YOUTUBE_API_KEY"),
    ):
        SOURCE.check(client)


# --- who it is about -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("How Acme built RAG search with Pinecone", "Acme"),
        ("How Acme Corp is using Weaviate for support", "Acme Corp"),
        ("Acme x Pinecone: vector search in production", "Acme"),
        ("Acme + Qdrant | a talk", "Acme"),
        ("Customer story: Acme on Pinecone & beyond", "Acme"),
        ("Case Study - Acme Labs with Qdrant", "Acme Labs"),
        ("How to use Pinecone", None),
        ("How we built search with Pinecone", None),
        ("Pinecone x Weaviate: a comparison", None),
        ("Pinecone in ten minutes", None),
        ("Getting started with Pinecone", None),
        ("", None),
    ],
)
def test_a_name_is_read_from_titles_as_case_studies_have_them(title: str, name: str | None) -> None:
    assert name_in(title, PRODUCTS) == name


@pytest.mark.parametrize(
    ("title", "description", "expected"),
    [
        (
            "How Acme built it",
            "More: https://www.acme.example/blog (and https://github.com/acme)",
            ("Acme", "acme.example", 0.9),
        ),
        ("How Acme built it", "Slides: https://speaker.example/talk", ("Acme", None, 0.6)),
        ("How Acme built it", "", ("Acme", None, 0.6)),
        ("Vector search at Umbrella", "https://umbrella.example", (None, "umbrella.example", 0.9)),
        ("Vector search", "https://umbrella.example", (None, "umbrella.example", 0.5)),
        ("Vector search", "https://one.example https://two.example", (None, None, None)),
        ("Pinecone in ten minutes", "https://www.pinecone.io/learn https://youtu.be/x", (None, None, None)),
        ("Vector search", "no address, http://[broken", (None, None, None)),
    ],
)
def test_a_company_is_sure_where_its_address_and_its_name_go_together(
    title: str, description: str, expected: tuple[str | None, str | None, float | None]
) -> None:
    mention = company_in(title, description, PRODUCTS)
    assert (mention.company_name, mention.company_domain, mention.company_confidence) == expected


def test_the_competitor_of_a_title_counts_before_that_of_a_description() -> None:
    assert competitor_in("From Qdrant on", "We left Pinecone", PRODUCTS) == "qdrant"
    assert competitor_in("A talk", "We left Pinecone", PRODUCTS) == "pinecone"
    assert competitor_in("Pinecones in the wood", "", PRODUCTS) is None


def test_pain_points_are_read_off_words() -> None:
    assert pains_in("Our bill was high, and p99 LATENCY too") == ["cost", "latency"]
    assert pains_in("All is well") == []


def test_evidence_is_of_the_companies_that_use_the_product(youtube: YouTube, tmp_path: Path) -> None:
    lake = synced(SOURCE, youtube, tmp_path)
    rows = feed_rows(
        lake, EVIDENCE, "competitor", "company_domain", "company_name", "confidence", "evidence", "pain_points"
    )
    uses = {
        each.company.name: (use.competitor, each.company.domain)
        for each in market().companies(NOW)
        for use in each.signals.competitors
        if "youtube" in use.channels and use.seen < NOW + timedelta()
    }
    assert {row["company_name"]: row["competitor"] for row in rows} == {name: use for name, (use, _) in uses.items()}
    for row in rows:
        assert row["company_domain"] in (None, uses[row["company_name"]][1])
        assert row["confidence"] == (0.9 if row["company_domain"] else 0.6)
        assert row["evidence"].startswith("https://www.youtube.com/watch?v=v")
    assert any(row["company_domain"] for row in rows)
