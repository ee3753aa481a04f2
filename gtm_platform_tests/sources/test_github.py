"""GitHub: what is read of acts and code, whose company somebody is of, and how little is asked for twice."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from gtm_platform.http.errors import Forbidden, NotFound, RetriesExhausted
from gtm_platform.ingest.market_feeds import CompetitorFeed, SignalFeed
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.sandbox.github import EMULATOR, GitHubStore, app
from gtm_platform.settings import settings
from gtm_platform.sources.github import records, streams
from gtm_platform.sources.github.client import GitHub, allowance
from gtm_platform.sources.github.employer import employer_of
from gtm_platform.sources.github.feeds import FEEDS
from gtm_platform.sources.github.source import SOURCE
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.market_world import NOW, always, answer, feed_rows, market, opened, synced

WHOLE = Window(BEGINNING, NOW, full=True)
SIGNALS = [feed for feed in FEEDS if isinstance(feed, SignalFeed)]
(IMPORTS,) = [feed for feed in FEEDS if isinstance(feed, CompetitorFeed)]


@pytest.fixture
def github(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with opened(SOURCE, EMULATOR, app(GitHubStore(market()), lambda: NOW), stand, monkeypatch) as client:
        yield client


def read(record: type, pages: Iterator[list[bytes]], *key: str) -> list[Any]:
    good: list[Any]
    good, _, rejected = Reader(record, key or ("id",)).read([row for page in pages for row in page])
    assert not rejected
    return good


# --- acts ------------------------------------------------------------------------------------------------------------


def test_every_act_of_the_market_is_read_once(github: GitHub) -> None:
    acts = [act for each in market().companies(NOW) for act in each.signals.acts if act.at <= NOW]
    stars = read(records.Star, streams.stars(github, WHOLE), "repository", "user_id")
    pairs = {(act.repository, act.developer.login) for act in acts if act.kind == "star"}
    assert {(star.repository, star.login) for star in stars} == pairs
    assert len(stars) == len(pairs)
    forks = read(records.Fork, streams.forks(github, WHOLE))
    assert {(f.repository, f.login) for f in forks} == {
        (act.repository, act.developer.login) for act in acts if act.kind == "fork"
    }
    issues = read(records.Issue, streams.issues(github, WHOLE))
    assert {issue.id: issue.kind for issue in issues} == {
        str(act.id): act.kind for act in acts if act.kind in ("issue", "pull_request")
    }
    users = read(records.User, streams.users(github, WHOLE))
    assert {user.login for user in users} == {act.developer.login for act in acts}


def test_a_window_is_read_no_further_back_than_it_begins(
    github: GitHub, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gtm_platform.sources.github.client.LARGEST_PAGE", 1)
    stars = read(records.Star, streams.stars(github, WHOLE), "repository", "user_id")
    begin = sorted(star.starred_at for star in stars)[-3]
    stand.requested.clear()
    window = Window(begin, NOW)
    recent = read(records.Star, streams.stars(github, window), "repository", "user_id")
    assert {star.user_id for star in recent} == {star.user_id for star in stars if star.starred_at >= begin}
    assert len(stand.requested) <= len(recent) + len(github.settings.repositories)


def test_lists_that_several_streams_need_are_read_once_a_run(github: GitHub, stand: Stand) -> None:
    for stream in (streams.stars, streams.forks, streams.issues):
        list(stream(github, WHOLE))
    asked = [line for line in stand.requested if "/users/" not in line and "/orgs/" not in line]
    list(streams.users(github, WHOLE))
    assert [line for line in stand.requested if "/users/" not in line and "/orgs/" not in line] == asked


# --- profiles --------------------------------------------------------------------------------------------------------


def test_a_profile_is_asked_for_again_after_a_while_and_by_its_etag(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings().home.mkdir(parents=True)
    served = app(GitHubStore(market()), lambda: NOW)
    login = next(d.login for each in market().companies(NOW) for d in each.signals.developers)
    with opened(SOURCE, EMULATOR, served, stand, monkeypatch) as client:
        body = client.user(login)
        assert client.user(login.upper()) == body
    assert stand.requested == [f"GET /users/{login}"]
    with opened(SOURCE, EMULATOR, served, stand, monkeypatch) as client:
        assert client.user(login) == body
    assert len(stand.requested) == 1, "within a month it is not asked for again"
    later = (NOW + timedelta(days=31)).isoformat()
    with opened(SOURCE, EMULATOR, unchanged(login), stand, monkeypatch, GTM_NOW=later) as client:
        assert client.user(login) == body
    with opened(SOURCE, EMULATOR, always(500, b""), stand, monkeypatch, GTM_NOW=later) as client:
        assert client.user(login) == body, "a 304 confirms what is stored"


def unchanged(login: str) -> Any:
    async def refusing_all_but_conditions(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        is_conditional = headers.get(b"if-none-match", b"").startswith(b'W/"')
        assert scope["path"] == f"/users/{login}"
        await answer(receive, send, 304 if is_conditional else 500, b"")

    return refusing_all_but_conditions


@pytest.mark.parametrize(
    ("profile", "memberships", "expected"),
    [
        ({"email": "dana@acme.example", "company": "Other Inc."}, [], ("acme.example", "Other Inc.", "email")),
        (
            {"email": "dana@acme.example", "company": "@acme"},
            [{"login": "Acme", "name": "Acme Corp", "websiteUrl": "https://acme.example"}],
            ("acme.example", "Acme Corp", "email"),
        ),
        ({"email": "dana@gmail.com", "company": "Acme Inc."}, [], (None, "Acme Inc.", "name")),
        (
            {"email": "", "company": "@acme @else"},
            [{"login": "Acme", "name": "Acme Corp", "websiteUrl": "https://www.acme.example/about"}],
            ("acme.example", "Acme Corp", "organization"),
        ),
        ({"company": "@looked-up"}, [], ("looked.example", "Looked Up", "organization")),
        ({"company": "@nobody", "blog": "https://dana.github.io"}, [], (None, None, None)),
        ({"company": None, "websiteUrl": "www.acme.example"}, [], ("acme.example", None, "website")),
        ({"company": "ex-Acme", "blog": ""}, [], (None, None, None)),
        ({"company": "Acme Inc.", "blog": "https://linkedin.com/in/dana"}, [], (None, "Acme Inc.", "name")),
        ({"company": 7, "blog": "http://[broken", "email": "x@users.noreply.github.com"}, [], (None, None, None)),
        ({}, [], (None, None, None)),
    ],
)
def test_whose_company_somebody_is_of(
    profile: dict[str, Any], memberships: list[dict[str, Any]], expected: tuple[str | None, ...]
) -> None:
    organizations = {"looked-up": {"name": "Looked Up", "blog": "looked.example"}}
    employer = employer_of(profile, memberships, lambda login: organizations.get(login, {}))
    assert (employer.company_domain, employer.company_name, employer.match_method) == expected


# --- code ------------------------------------------------------------------------------------------------------------


def test_all_packages_are_searched_for_within_a_week(github: GitHub) -> None:
    whole = {(row.repository_id, row.package) for row in imports(github, WHOLE)}
    week = set()
    for day in range(7):
        end = NOW + timedelta(days=day)
        rows = imports(github, Window(end - timedelta(days=1), end))
        assert all(end - timedelta(days=1) <= row.seen_at < end for row in rows)
        assert len({row.package for row in rows}) <= 1
        week |= {(row.repository_id, row.package) for row in rows}
    assert week == whole
    missed = imports(github, Window(NOW - timedelta(days=7), NOW))
    assert {(row.repository_id, row.package) for row in missed} == whole


def imports(github: GitHub, window: Window) -> list[records.CodeImport]:
    return read(records.CodeImport, streams.code_imports(github, window), "repository_id", "path", "package")


# --- feeds -----------------------------------------------------------------------------------------------------------


def test_acts_and_imports_are_of_the_companies_that_they_are_of(github: GitHub, tmp_path: Path) -> None:
    lake = synced(SOURCE, github, tmp_path)
    companies = {each.company.domain: each for each in market().companies(NOW)}
    names = {each.company.name: domain for domain, each in companies.items()}
    rows = [
        row for feed in SIGNALS for row in feed_rows(lake, feed, "signal_id", "kind", "company_domain", "company_name")
    ]
    acts = {
        act_id: domain
        for domain, each in companies.items()
        for act in each.signals.acts
        if act.at <= NOW
        for act_id in [f"{act.kind}:{act.repository.lower()}:{_what(act)}"]
    }
    silent = {d.login for each in companies.values() for d in each.signals.developers if not (d.email or d.works_at)}
    assert {row["signal_id"] for row in rows} == {id_ for id_ in acts if not _is_by(id_, silent, companies)}
    for row in rows:
        assert row["kind"] == row["signal_id"].partition(":")[0]
        assert (row["company_domain"] or names[row["company_name"]]) == acts[row["signal_id"]]
    evidence = feed_rows(lake, IMPORTS, "competitor", "company_domain", "confidence", "quote")
    uses = {
        (use.competitor, domain)
        for domain, each in companies.items()
        for use in each.signals.competitors
        if "github" in use.channels
    }
    assert {(row["competitor"], row["company_domain"]) for row in evidence} == uses
    assert {row["confidence"] for row in evidence} == {0.9, 0.4}


def _what(act: Any) -> str:
    return str(act.id) if act.kind in ("issue", "pull_request") else str(act.developer.login)


def _is_by(act_id: str, logins: set[str], companies: dict[str, Any]) -> bool:
    """Whether an act is of one of these people."""
    what = act_id.rpartition(":")[2]
    by_number = {str(act.id): act.developer.login for each in companies.values() for act in each.signals.acts}
    return by_number.get(what, what) in logins


# --- limits and refusals ---------------------------------------------------------------------------------------------


def test_the_headers_say_how_many_calls_are_left() -> None:
    reset = str(int(datetime.now().timestamp()) + 100)
    left = allowance({"x-ratelimit-remaining": "7", "x-ratelimit-reset": reset})
    assert left is not None
    assert left[0] == 7
    assert 90 < left[1] <= 101
    assert allowance({}) is None
    assert allowance({"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}) is None, "a refusal says how long"


@pytest.mark.faults("S3")
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x_ratelimit_remaining": "0", "retry_after": "9"}, b'{"message": "API rate limit exceeded"}'),
        ({}, b'{"message": "You have exceeded a secondary rate limit. Wait a few minutes."}'),
    ],
)
def test_a_limit_in_disguise_is_waited_out(
    headers: dict[str, str], body: bytes, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, refusals = app(GitHubStore(market()), lambda: NOW), [1]

    async def limited_once(scope: Scope, receive: Receive, send: Send) -> None:
        if refusals:
            refusals.pop()
            await answer(receive, send, 403, body, **headers)
        else:
            await served(scope, receive, send)

    with opened(SOURCE, EMULATOR, limited_once, stand, monkeypatch) as client:
        assert SOURCE.check(client)
    assert len(stand.requested) == 2


def test_a_permission_that_is_missing_is_not_waited_for(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = always(403, b'{"message": "Resource not accessible by personal access token"}')
    with (
        opened(SOURCE, EMULATOR, refusing, stand, monkeypatch) as client,
        pytest.raises(Forbidden, match="GITHUB_TOKEN"),
    ):
        SOURCE.check(client)
    assert len(stand.requested) == 1


def graphql(*errors: dict[str, str]) -> bytes:
    return json.dumps({"data": {"repository": None}, "errors": list(errors)}).encode()


def test_a_repository_that_does_not_exist_is_named(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = always(200, graphql({"type": "NOT_FOUND", "message": "Could not resolve"}))
    with (
        opened(SOURCE, EMULATOR, gone, stand, monkeypatch, GITHUB_WATCHED_REPOS="acme/gone") as client,
        pytest.raises(NotFound, match=r"acme/gone.*GITHUB_WATCHED_REPOS"),
    ):
        list(streams.stars(client, WHOLE))


def test_a_limit_under_the_status_of_success_is_one(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = always(200, graphql({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}))
    with opened(SOURCE, EMULATOR, limited, stand, monkeypatch, GITHUB_WATCHED_REPOS="acme/db") as client:
        monkeypatch.setattr(client.api._caller, "retry", _short(client.api.retry))
        with pytest.raises(RetriesExhausted, match="rate limit"):
            list(streams.stars(client, WHOLE))
    assert len(stand.requested) > 1


def _short(retry: Any) -> Any:
    return type(retry)(deadline=100.0, sleep=lambda _: None, now=iter(range(0, 10_000, 10)).__next__)


def test_addresses_are_done_without_where_the_token_may_not_see_them(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = app(GitHubStore(market()), lambda: NOW)

    async def strict(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if b" email" in message["body"]:
            refusal = graphql({"type": "INSUFFICIENT_SCOPES", "message": "needs user:email"})
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": refusal})
            return

        async def again() -> Any:
            return message

        await served(scope, again, send)

    with opened(SOURCE, EMULATOR, strict, stand, monkeypatch) as client:
        stars = read(records.Star, streams.stars(client, WHOLE), "repository", "user_id")
    assert stars
    assert not any(star.email for star in stars)
    assert stand.requested.count("POST /graphql") == 1 + len(client.settings.repositories)
