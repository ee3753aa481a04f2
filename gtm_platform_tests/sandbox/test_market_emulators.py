"""What the emulators of Sumble, GitHub, Reo.dev, YouTube and Factors.ai refuse, and how their lists go on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gtm_platform.sandbox import factors, github, reodev, sumble, youtube
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world.market import Market
from gtm_platform_tests.sandbox.conftest import serving

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=1)
MANY = 10**6
SELECT = {"attributes": ["title"]}
QUERY = {"query": {"query": "technology IN ('rag', 'llm') AND hiring_period EQ '3mo'"}}


def market() -> Market:
    return Market(3, 2000, START, lambda: ())


def bearer_header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# --- Sumble ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def store() -> sumble.SumbleStore:
    return sumble.SumbleStore(market())


@pytest.fixture
def sumble_client(store: sumble.SumbleStore) -> Iterator[httpx.Client]:
    app = sumble.app(store, lambda: NOW, sumble.Limits(Limit(MANY, 1)))
    with serving(app, bearer_header(sumble.TOKEN)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("jobs", {"filter": QUERY}, ["body", "select"]),
        ("jobs", {"select": SELECT}, ["body"]),
        ("jobs", {"select": SELECT, "filter": QUERY, "jobs": [{"job_id": 1}]}, ["body"]),
        ("jobs", {"select": SELECT, "filter": QUERY, "limit": 201}, ["body", "limit"]),
        ("jobs", {"select": SELECT, "filter": QUERY, "offset": 10_001}, ["body", "offset"]),
        ("jobs", {"select": SELECT, "filter": QUERY, "order_by": "title"}, ["body", "order_by"]),
        ("jobs", {"select": {"attributes": ["mood"]}, "filter": QUERY}, ["body", "select", "attributes"]),
        ("jobs", {"select": SELECT, "filter": {"query": "flat"}}, ["body", "filter", "query"]),
        ("jobs", {"select": SELECT, "filter": {"query": {"query": "title EQ 'x'"}}}, ["body", "filter", "query"]),
        (
            "jobs",
            {"select": SELECT, "filter": {"query": {"query": "technology EQ 'x' AND"}}},
            ["body", "filter", "query"],
        ),
        (
            "organizations",
            {"select": SELECT, "organizations": [{"site": "acme.example"}]},
            ["body", "organizations", "site"],
        ),
        ("technologies/lookup", {}, ["body", "technologies"]),
    ],
)
def test_sumble_refuses_what_it_does_not_describe(
    sumble_client: httpx.Client, path: str, body: dict[str, Any], where: list[str]
) -> None:
    if path == "organizations":
        body = {**body, "select": {"attributes": ["name"]}}
    answer = sumble_client.post(f"/v9/{path}", json=body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, where)


def test_sumble_pages_by_offset_to_its_total_and_charges_by_row(
    sumble_client: httpx.Client, store: sumble.SumbleStore
) -> None:
    ids: list[int] = []
    before, total = store.credits, MANY
    while len(ids) < total:
        body = {"select": {"attributes": ["technologies"]}, "filter": QUERY, "limit": 4, "offset": len(ids)}
        answer = sumble_client.post("/v9/jobs", json=body).json()
        assert answer["credits_used"] == 2 * len(answer["jobs"])
        ids += [row["job_id"] for row in answer["jobs"]]
        total = answer["total"]
    assert len(set(ids)) == total > 4
    assert before - store.credits == 2 * total


def test_sumble_resolves_organisations_by_their_address(sumble_client: httpx.Client) -> None:
    company = next(each.company for each in market().companies(NOW))
    wanted = [{"url": f"https://www.{company.domain}/jobs"}, {"id": company.number}, {"url": "nobody.example"}]
    body = {"organizations": wanted, "select": {"attributes": ["id", "employee_count"]}}
    answer = sumble_client.post("/v9/organizations", json=body).json()
    expected = {"id": company.number, "employee_count": company.size}
    assert [row["attributes"] for row in answer["organizations"]] == [expected, expected, {}]
    assert (answer["matched_count"], answer["credits_used"]) == (2, 4)


def test_sumble_is_out_of_credits_at_nothing(sumble_client: httpx.Client, store: sumble.SumbleStore) -> None:
    store.credits = 0
    answer = sumble_client.post("/v9/technologies/find", json={"query": "vector"})
    assert (answer.status_code, answer.json()) == (402, {"detail": "You are out of credits."})


# --- GitHub ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def github_client() -> Iterator[httpx.Client]:
    app = github.app(github.GitHubStore(market()), lambda: NOW)
    with serving(app, bearer_header(github.TOKEN)) as client:
        yield client


def test_github_says_in_a_header_how_a_list_goes_on(github_client: httpx.Client) -> None:
    whole = github_client.get("/repos/chroma-core/chroma/issues", params={"state": "all", "per_page": 100}).json()
    assert len(whole) > 1
    answer, ids = github_client.get("/repos/chroma-core/chroma/issues", params={"state": "all", "per_page": 1}), []
    while True:
        ids += [row["id"] for row in answer.json()]
        following = answer.links.get("next")
        if following is None:
            break
        answer = github_client.get(following["url"])
    assert ids == [row["id"] for row in whole]


def test_github_answers_304_to_what_did_not_change(github_client: httpx.Client) -> None:
    login = next(d.login for each in market().companies(NOW) for d in each.signals.developers)
    answer = github_client.get(f"/users/{login}")
    again = github_client.get(f"/users/{login}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert github_client.get(f"/users/{login}", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [("/users/nobody-of-this-name", 404), ("/repos/acme/gone/forks", 404), ("/search/code?q=mood", 422)],
)
def test_github_refuses_in_its_words(github_client: httpx.Client, path: str, status: int) -> None:
    answer = github_client.get(path)
    assert (answer.status_code, answer.json()["status"]) == (status, str(status))


def test_github_s_limits_are_apart_and_a_refusal_is_a_403_with_nothing_left() -> None:
    limits = github.Limits(
        {"core": Limit(1, 3600), "code_search": Limit(5, 60), "search": Limit(1, 60), "graphql": Limit(1, 60)}
    )
    app = github.app(github.GitHubStore(market()), lambda: NOW, limits)
    with serving(app, bearer_header(github.TOKEN)) as client:
        assert client.get("/rate_limit").headers["x-ratelimit-resource"] == "core"
        refused = client.get("/rate_limit")
        search = client.get("/search/code", params={"q": '"pymilvus" filename:requirements.txt'})
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert (search.status_code, search.headers["x-ratelimit-resource"]) == (200, "code_search")
    assert search.headers["x-ratelimit-remaining"] == "4"


# --- Reo.dev, YouTube, Factors.ai ------------------------------------------------------------------------------------


def test_reo_dev_repeats_the_segments_on_every_page_and_pages_what_they_hold() -> None:
    app = reodev.app(reodev.ReoStore(market()), lambda: NOW, reodev.Limits(Limit(MANY, 1)))
    with serving(app, {"x-api-key": reodev.TOKEN}) as client:
        first, second = (client.get("/segments", params={"page": page}).json() for page in (1, 2))
        (segment, *_) = first["data"]
        accounts = client.get(f"/segment/{segment['id']}/accounts").json()
        unknown = client.get("/account/by-domain/acme.example")
        refused = client.get("/segments", headers={"x-api-key": "wrong"})
    assert first == second
    assert first["total_pages"] is None
    assert (accounts["total_pages"], accounts["next_page"]) == (1, None)
    assert len(accounts["data"]) > 3
    assert (unknown.status_code, refused.status_code) == (404, 401)


def test_youtube_counts_searches_apart_and_escapes_their_texts() -> None:
    app = youtube.app(youtube.YouTubeStore(market()), lambda: NOW, youtube.Limits(searches=Limit(1, 86_400)))
    with serving(app, {"X-Goog-Api-Key": youtube.TOKEN}) as client:
        search = {"part": "snippet", "q": '"Milvus"', "maxResults": "50"}
        results = client.get("/youtube/v3/search", params=search).json()["items"]
        refused = client.get("/youtube/v3/search", params=search)
        ids = ",".join([*(row["id"]["videoId"] for row in results), "gone"])
        videos = client.get("/youtube/v3/videos", params={"part": "snippet", "id": ids}).json()["items"]
        missing = client.get("/youtube/v3/playlistItems", params={"part": "snippet", "playlistId": "UUgone"})
        key = client.get("/youtube/v3/videos", headers={"X-Goog-Api-Key": "wrong"})
    assert results
    assert [video["id"] for video in videos] == [row["id"]["videoId"] for row in results]
    assert any("&#x27;" in row["snippet"]["description"] for row in results)
    assert not any("&#x27;" in video["snippet"]["description"] for video in videos)
    reasons = [(each.status_code, each.json()["error"]["errors"][0]["reason"]) for each in (refused, missing, key)]
    assert reasons == [(403, "quotaExceeded"), (404, "playlistNotFound"), (400, "keyInvalid")]


def test_factors_shows_nothing_of_an_account_that_never_came_and_filters_by_time() -> None:
    store = factors.FactorsStore(market())
    app = factors.app(store, lambda: NOW, factors.Limits(Limit(MANY, 1)))
    domain = next(name for name in store.domains() if (visited := store.visits(name, NOW)) and len(visited[1]) > 1)
    _, visits = store.visits(domain, NOW) or (None, [])
    with serving(app, bearer_header(factors.TOKEN)) as client:
        assert client.get("/open/v1/account/nobody.example/journey").json() == []
        (user,) = client.get(f"/open/v1/account/{domain}/journey", params={"event_name": "session"}).json()
        last = {"from": f"{visits[-1].at:%Y-%m-%d}", "event_name": "$SESSION"}
        (lately,) = client.get(f"/open/v1/account/{domain}/journey", params=last).json()
        wrong = client.get(f"/open/v1/account/{domain}/journey", params={"from": "soon"})
    assert [event["event_id"] for event in user["user_activities"]] == [str(visit.id) for visit in visits]
    assert len(lately["user_activities"]) < len(visits)
    assert wrong.status_code == 400
