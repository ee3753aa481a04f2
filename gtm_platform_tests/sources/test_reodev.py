"""Reo.dev: what an activity is, which accounts are read, and that an act has one id here and at GitHub."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.types import Receive, Scope, Send

from gtm_platform.http.errors import BadRequest
from gtm_platform.ingest.market_feeds import FirmographicFeed, SignalFeed
from gtm_platform.ingest.record import Reader, with_facts
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.sandbox import github as github_emulator
from gtm_platform.sandbox.reodev import EMULATOR, ReoStore, app
from gtm_platform.sandbox.reodev.store import SEGMENTS
from gtm_platform.sources.github.feeds import FEEDS as GITHUB_FEEDS
from gtm_platform.sources.github.source import SOURCE as GITHUB
from gtm_platform.sources.reodev import records, streams
from gtm_platform.sources.reodev.client import Reo
from gtm_platform.sources.reodev.feeds import FEEDS
from gtm_platform.sources.reodev.kinds import activity_id, kind_of, number_of, repository_of
from gtm_platform.sources.reodev.source import SOURCE
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.market_world import NOW, answer, feed_rows, market, opened, synced

WHOLE = Window(BEGINNING, NOW, full=True)
(SIGNALS,) = [feed for feed in FEEDS if isinstance(feed, SignalFeed)]
(FIRMS,) = [feed for feed in FEEDS if isinstance(feed, FirmographicFeed)]


@pytest.fixture
def reo(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reo]:
    with opened(SOURCE, EMULATOR, app(ReoStore(market()), lambda: NOW), stand, monkeypatch) as client:
        yield client


def read(record: type, pages: Iterator[list[bytes]]) -> list[Any]:
    good: list[Any]
    good, _, rejected = Reader(record).read([row for page in pages for row in page])
    assert not rejected
    return good


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"activity_type": "GITHUB", "activity_info": "Starred https://github.com/chroma-core/chroma"}, "star"),
        ({"activity_type": "GITHUB_STAR"}, "star"),
        ({"activity_type": "STARRED_REPO", "activity_source": "GITHUB"}, "star"),
        ({"activity_type": "GITHUB", "page": "Forked a/b"}, "fork"),
        (
            {"activity_type": "GITHUB", "activity_info": "Opened pull request https://github.com/a/b/pull/7"},
            "pull_request",
        ),
        ({"activity_type": "GITHUB", "activity_info": "PR opened"}, "pull_request"),
        ({"activity_type": "GITHUB", "activity_info": "Issue created"}, "issue"),
        ({"activity_type": "GITHUB", "activity_info": "pushed a commit"}, "commit"),
        ({"activity_type": "PAGE_VISIT", "activity_info": "https://docs.acme.example/start"}, "visit"),
        ({"activity_type": "PAGE_VISIT", "page": "How to fork an issue"}, "visit"),
        ({"activity_type": "COPY_COMMAND", "activity_info": "https://docs.acme.example"}, "copy_command"),
        ({"activity_type": "PIP_INSTALL"}, "copy_command"),
        ({"activity_type": "IDENTITY_CAPTURE"}, "other"),
        ({"activity_type": None}, "other"),
        ({}, "other"),
    ],
)
def test_what_an_activity_is(row: dict[str, Any], kind: str) -> None:
    assert kind_of(row) == kind


def test_an_activity_names_a_repository_and_a_number_somewhere_in_its_texts() -> None:
    row = {"page": "x", "activity_info": "see https://github.com/Acme/vector.db/issues/812#top", "source_url": None}
    assert (repository_of(row), number_of(row)) == ("Acme/vector.db", "812")
    assert (repository_of({"page": "github.com"}), number_of({})) == (None, None)


def test_the_same_row_has_the_same_id_and_another_account_s_has_not() -> None:
    row = {"activity_date": "2026-03-01", "activity_type": "GITHUB", "actor": "Dana Dev", "copied_text": None}
    assert activity_id("a", row) == activity_id("a", {**row, "country": "Germany"})
    assert len({activity_id("a", row), activity_id("b", row), activity_id("a", {**row, "actor": "Sam"})}) == 3


def test_accounts_are_read_once_with_their_segments(reo: Reo) -> None:
    accounts = read(records.Account, streams.accounts(reo, WHOLE))
    companies = {e.company.domain: e for e in market().companies(NOW) if any(a.at <= NOW for a in e.signals.acts)}
    assert {account.domain for account in accounts} == set(companies)
    assert len(accounts) == len(companies)
    assert {len(account.segment_ids) for account in accounts} == {1, 2}
    assert all(account.annual_revenue is None for account in accounts), '"" and "null" are nothing'


def test_only_chosen_segments_are_read(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    served, several = app(ReoStore(market()), lambda: NOW), SEGMENTS[1]
    with opened(SOURCE, EMULATOR, served, stand, monkeypatch, REODEV_SEGMENT_IDS=several.id) as client:
        accounts = read(records.Account, streams.accounts(client, WHOLE))
    assert accounts
    assert {tuple(account.segment_ids) for account in accounts} == {(several.id,)}
    assert all(account.developers > 1 for account in accounts)
    with (
        opened(SOURCE, EMULATOR, served, stand, monkeypatch, REODEV_SEGMENT_IDS="gone") as client,
        pytest.raises(BadRequest, match=r"no segment gone.*REODEV_SEGMENT_IDS"),
    ):
        client.segments()


def test_accounts_without_activity_in_a_window_are_not_asked_for_it(reo: Reo, stand: Stand) -> None:
    window = Window(NOW - timedelta(days=8), NOW)
    whole = read(records.Activity, streams.activities(reo, WHOLE))
    before = len(stand.requested)
    recent = read(records.Activity, streams.activities(reo, window))
    day = window.start.replace(hour=0)
    assert {row.id for row in recent} == {row.id for row in whole if row.occurred_on >= day}
    assert len(stand.requested) - before == len({row.account_id for row in recent})


def test_an_act_has_one_id_here_and_at_github(
    reo: Reo, stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = synced(SOURCE, reo, tmp_path / "reo")
    ours = {
        row["signal_id"]: row for row in feed_rows(lake, SIGNALS, "signal_id", "kind", "company_domain", "person_email")
    }
    store = github_emulator.GitHubStore(market())
    with opened(
        GITHUB, github_emulator.EMULATOR, github_emulator.app(store, lambda: NOW), stand, monkeypatch
    ) as client:
        other = synced(GITHUB, client, tmp_path / "github")
    theirs = {
        row["signal_id"]: row
        for feed in GITHUB_FEEDS
        if isinstance(feed, SignalFeed)
        for row in feed_rows(other, feed, "signal_id", "kind", "company_domain", "person_email")
    }
    assert theirs
    assert set(theirs) <= set(ours), "Reo.dev knows whose company somebody is of where GitHub shows nothing"
    for id_, row in theirs.items():
        assert row["kind"] == ours[id_]["kind"]
        assert row["company_domain"] in (None, ours[id_]["company_domain"])
        assert row["person_email"] == ours[id_]["person_email"]


def test_firmographics_are_the_middle_of_a_range(reo: Reo, tmp_path: Path) -> None:
    lake = synced(SOURCE, reo, tmp_path)
    firms = {
        row["company_domain"]: row["employee_count"]
        for row in feed_rows(lake, FIRMS, "company_domain", "employee_count")
    }
    sizes = {each.company.domain: each.company.size for each in market().companies(NOW)}
    bounds = [(1, 10), (11, 50), (51, 250), (251, 1000), (1001, 10000)]
    assert firms
    for domain, count in firms.items():
        least, most = next((low, high) for low, high in bounds if sizes[domain] <= high)
        assert count == (least + most) // 2


@pytest.mark.faults("S10")
@pytest.mark.parametrize("says", [True, False])
def test_lists_go_on_with_and_without_a_word_of_it(says: bool, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that does not say so ends with an empty page; a page that comes twice is asked for again."""
    pages, twice = {1: ["a", "b"], 2: ["c"], 3: []}, [2]

    async def listing(scope: Scope, receive: Receive, send: Send) -> None:
        number = int(scope["query_string"].decode().partition("page=")[2] or 1)
        if number in twice:
            twice.remove(number)
            number -= 1
        rows = [{"id": id_, "org_id": "1"} for id_ in pages[number]]
        following = {"total_pages": 2, "next_page": number + 1 if number < 2 else None} if says else {}
        await answer(receive, send, 200, msgspec.json.encode({"data": rows, **following}))

    with opened(SOURCE, EMULATOR, listing, stand, monkeypatch) as client:
        assert [records.Developer.model_validate_json(row).id for row in client.developers("1")] == ["a", "b", "c"]


def test_a_delivery_of_the_webhook_is_read_as_what_it_says() -> None:
    delivery = msgspec.json.encode(
        {
            "activity_type": "PAGE_VISIT",
            "activity_date": "2026-11-01 10:22:31",
            "activity_source_url": "https://acme.example/pricing",
            "source_type": "WEBSITE",
            "developer": {
                "developer_name": "Dana Dev",
                "developer_business_email": "dana@acme.example",
                "account": {"account_name": "Acme", "account_domain": "acme.example", "industry": ""},
            },
        }
    )
    received = datetime(2026, 11, 2, tzinfo=UTC)
    facts = {"id": "1", "kind": "visit", "received_at": received}
    (row,), _, _ = Reader(records.WebhookActivity).read([with_facts(delivery, **facts)])
    assert (row.company_domain, row.developer_email, row.industry) == ("acme.example", "dana@acme.example", None)
    assert row.stated_at == datetime(2026, 11, 1, 10, 22, 31, tzinfo=UTC)
    impossible = delivery.replace(b"2026-11-01 10:22:31", b"56087-11-01 10:22:31")
    (row,), _, _ = Reader(records.WebhookActivity).read([with_facts(impossible, **facts)])
    assert (row.stated_at, row.received_at) == (None, received)
