"""All that is asked of Sumble, GitHub and YouTube, and what their emulators answer, against what they publish."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gtm_platform.ingest.source import Source
from gtm_platform.sandbox import github as github_emulator
from gtm_platform.sandbox import sumble as sumble_emulator
from gtm_platform.sandbox import youtube as youtube_emulator
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world.market import Market
from gtm_platform.sources.github.source import SOURCE as GITHUB
from gtm_platform.sources.sumble.source import SOURCE as SUMBLE
from gtm_platform.sources.youtube.source import SOURCE as YOUTUBE
from gtm_platform_tests.contract.description import Description
from gtm_platform_tests.contract.places import SPECS, needs_specs
from gtm_platform_tests.contract.recorder import Exchange, Recorder, parsed, served
from gtm_platform_tests.contract.systems import MANY, NOW
from gtm_platform_tests.contract.traffic import pointed_at, sweep
from gtm_platform_tests.sandbox import judge

pytestmark = needs_specs

SEED, PEOPLE = 3, 600
SOURCES: dict[str, Source] = {"sumble": SUMBLE, "github": GITHUB, "youtube": YOUTUBE}
KEYS = {"sumble": sumble_emulator.TOKEN, "github": github_emulator.TOKEN, "youtube": youtube_emulator.TOKEN}
USED = {
    "sumble": {"POST /v9/jobs", "POST /v9/organizations", "POST /v9/technologies/lookup"},
    "github": {
        "GET /repos/{owner}/{repo}/forks", "GET /repos/{owner}/{repo}/issues", "GET /users/{username}",
        "GET /orgs/{org}", "GET /search/code", "GET /rate_limit",
    },
    "youtube": {
        "GET /youtube/v3/search", "GET /youtube/v3/videos", "GET /youtube/v3/playlistItems", "GET /youtube/v3/channels",
    },
}  # fmt: skip
# `publishTime` is sent though it is not described.
NEWER = ("200/items/each/snippet/publishTime is not described",)
of_each_system = pytest.mark.parametrize("system", SOURCES)


@cache
def described(system: str) -> Description:
    return DESCRIPTIONS[system]()


def discovered() -> Description:
    """Google's discovery document as OpenAPI, as far as it is looked at."""
    document = json.loads((SPECS / "youtube/youtube.v3.reduced.json").read_text())
    paths = {}
    for resource in document["resources"].values():
        for method in resource["methods"].values():
            parameters = {**document["parameters"], **method["parameters"]}
            listed = [_parameter(name, entry) for name, entry in parameters.items()]
            answer = {"content": {"application/json": {"schema": _schema(method["response"])}}}
            paths[f"/{method['path']}"] = {"get": {"parameters": listed, "responses": {"200": answer}}}
    schemas = {name: _schema(entry) for name, entry in document["schemas"].items()}
    return Description("youtube", {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}})


def _parameter(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    schema = {key: entry[key] for key in ("type", "enum") if key in entry and not entry.get("repeated")}
    bounds = {key: int(entry[key]) for key in ("minimum", "maximum") if key in entry}
    return {"name": name, "in": "query", "required": bool(entry.get("required")), "schema": {**schema, **bounds}}


def _schema(entry: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in entry:
        return {"$ref": f"#/components/schemas/{entry['$ref']}"}
    kept: dict[str, Any] = {key: entry[key] for key in ("type", "enum") if key in entry and entry[key] != "any"}
    if "properties" in entry:
        kept["properties"] = {name: _schema(each) for name, each in entry["properties"].items()}
    if "items" in entry:
        kept["items"] = _schema(entry["items"])
    return kept


DESCRIPTIONS: dict[str, Callable[[], Description]] = {
    "sumble": lambda: judge.described("sumble", "sumble/openapi.v9.reduced.json"),
    "github": lambda: judge.described("github", "github/api.github.com.reduced.json"),
    "youtube": discovered,
}


@pytest.fixture(scope="module")
def swept() -> Recorder:
    market = Market(SEED, PEOPLE, NOW - timedelta(days=2), lambda: ())
    calls = {name: Limit(MANY, 3600) for name in github_emulator.EMULATOR.limits}
    many = Limit(MANY, 3600)
    apps = {
        "sumble": sumble_emulator.app(
            sumble_emulator.SumbleStore(market), lambda: NOW, sumble_emulator.Limits(Limit(MANY, 3600))
        ),
        "github": github_emulator.app(github_emulator.GitHubStore(market), lambda: NOW, github_emulator.Limits(calls)),
        "youtube": youtube_emulator.app(
            youtube_emulator.YouTubeStore(market), lambda: NOW, youtube_emulator.Limits(many, many)
        ),
    }
    recorder = Recorder(Starlette(routes=[Mount(f"/{name}", app) for name, app in apps.items()]))
    with pytest.MonkeyPatch.context() as patch, served(recorder) as url, pointed_at(url):
        patch.setattr("gtm_platform.http.rate_limit.RateLimiter.acquire", lambda _: None)
        for source in SOURCES.values():
            counts = sweep(source)
            assert all(counts[stream.name, True] for stream in source.streams), f"{source.name}: {counts}"
    return recorder


def exchanges(system: str, swept: Recorder) -> list[Exchange]:
    """What went over the wire to addresses that are described: GraphQL is not."""
    return [each for each in swept.of(system) if each.path != "/graphql"]


def wrong(system: str, chosen: list[Exchange]) -> list[str]:
    differing = {str(each) for exchange in chosen for each in described(system).disagreements(exchange)}
    return sorted(each for each in differing if not any(newer in each for newer in NEWER))


@of_each_system
def test_every_exchange_is_as_described(system: str, swept: Recorder) -> None:
    assert wrong(system, exchanges(system, swept)) == []


@of_each_system
def test_every_operation_that_is_used_was_asked(system: str, swept: Recorder) -> None:
    asked = {str(described(system).operation(exchange)) for exchange in exchanges(system, swept)}
    assert asked == USED[system]


@of_each_system
def test_nothing_that_is_asked_is_refused(system: str, swept: Recorder) -> None:
    assert {exchange.status for exchange in swept.of(system)} <= {200, 304}


@of_each_system
def test_the_keys_travel_in_the_header_only(system: str, swept: Recorder) -> None:
    sent = [str(exchange.query) + exchange.body.decode() for exchange in swept.of(system)]
    assert sent
    assert not [text for text in sent if KEYS[system] in text]


def test_every_call_of_github_names_the_pinned_version_and_who_asks(swept: Recorder) -> None:
    for exchange in swept.of("github"):
        assert exchange.headers["x-github-api-version"] == "2022-11-28"
        assert exchange.headers["user-agent"] == "gtm-platform"


def test_stars_are_asked_for_newest_first_with_a_page_that_is_allowed(swept: Recorder) -> None:
    queries = [parsed(each.body) for each in swept.of("github") if each.path == "/graphql"]
    assert queries
    assert all("orderBy:{field:STARRED_AT,direction:DESC}" in query["query"] for query in queries)
    assert all(1 <= query["variables"]["first"] <= 100 for query in queries)


@pytest.mark.parametrize(
    ("system", "path", "change"),
    [
        ("sumble", "/v9/jobs", {"body": b'{"filter": {"query": {"query": "technology EQ \'rag\'"}}}'}),
        ("sumble", "/v9/jobs", {"body": b'{"select": {"attributes": ["mood"]}}'}),
        ("sumble", "/v9/organizations", {"body": b'{"select": {}, "limit": 201}'}),
        ("github", "/rate_limit", {"path": "/limits"}),
        ("github", "/search/code", {"query": [("query", "x")]}),
        ("youtube", "/youtube/v3/search", {"query": [("q", "x")]}),
        ("youtube", "/youtube/v3/search", {"query": [("part", "snippet"), ("maxResults", "51")]}),
    ],
)
def test_the_judge_sees_a_wrong_request(system: str, path: str, change: dict[str, Any], swept: Recorder) -> None:
    exchange = next(each for each in swept.of(system) if each.path == path)
    assert wrong(system, [exchange]) == []
    assert wrong(system, [replace(exchange, **change)])


@pytest.mark.parametrize(
    ("system", "path", "list_at"),
    [("sumble", "/v9/jobs", "jobs"), ("github", "/search/code", "items"), ("youtube", "/youtube/v3/videos", "items")],
)
def test_the_judge_sees_a_wrong_answer(system: str, path: str, list_at: str, swept: Recorder) -> None:
    exchange = max((each for each in swept.of(system) if each.path == path), key=lambda each: len(each.answer))
    entry = parsed(exchange.answer)
    entry[list_at] = {}
    assert wrong(system, [replace(exchange, answer=json.dumps(entry).encode())])
