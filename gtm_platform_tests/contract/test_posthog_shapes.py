"""What is asked of PostHog and what its emulator answers, against the shapes that PostHog publishes of its API."""

import json
from functools import cache
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Mount

from gtm_platform.sandbox import posthog
from gtm_platform.sandbox.kit.limits import Rate
from gtm_platform.sources.posthog.source import SOURCE
from gtm_platform_tests.contract.places import SPECS
from gtm_platform_tests.contract.recorder import Exchange, Recorder, parsed, served
from gtm_platform_tests.contract.systems import systems
from gtm_platform_tests.contract.traffic import pointed_at, sweep

FILE = SPECS / "posthog/api-shapes.json"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="PostHog's shapes are not beside this repository")

KEY = {"Authorization": f"Bearer {posthog.TOKEN}"}
PROJECT = "/posthog/api/projects/@current"
WORDS: dict[str, Any] = {
    "string": {"type": "string"},
    "uuid": {"type": "string"},
    "datetime": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "map": {"type": "object"},
    "array": {"type": "array"},
    "any": {},
}


@cache
def shapes() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(FILE.read_text())
    return described


def schema(shape: Any) -> dict[str, Any]:
    """The JSON schema of a shape, which is written as words: `string?`, `number or uuid`, `[Person]`."""
    if isinstance(shape, list):
        return {"enum": shape}
    if isinstance(shape, dict):
        required = [name for name, part in shape.items() if not _is_optional(part)]
        properties = {name: schema(part) for name, part in shape.items()}
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    word = shape.partition(",")[0].partition(" of ")[0].partition(" (")[0]
    if word.endswith("?"):
        return {"anyOf": [schema(word[:-1]), {"type": "null"}]}
    if word.startswith(("[{", "{")):
        return {"type": "array" if word[0] == "[" else "object"}
    if word.startswith("["):
        return {"type": "array", "items": schema(word[1:-1])}
    if " or " in word or "|" in word:
        return {"anyOf": [schema(part) for part in word.replace("|", " or ").split(" or ")]}
    return WORDS.get(word) or (schema(shapes()[word]) if word in shapes() else {})


def _is_optional(part: Any) -> bool:
    """What is described as optional, or as there in some answers only."""
    return not isinstance(part, str) or "?" in part or "only with" in part


def faults(value: Any, shape: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema(shape)).iter_errors(value)]


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    """All streams, read in full and since lately; then the lists that the platform does not use, and refusals."""
    world = systems().world
    limits = posthog.Limits({"other burst": Rate(3, 3600)})
    recorder = Recorder(Starlette(routes=[Mount("/posthog", posthog.app(world.posthog, world.clock, limits))]))
    with served(recorder) as url:
        with pointed_at(url):
            counts = sweep(SOURCE)
            assert all(counts[stream.name, True] for stream in SOURCE.streams)
        with httpx.Client(base_url=url, headers=KEY, trust_env=False) as client:
            for address in ("persons/", "persons/?include_total=1", "persons/nobody/", "events/", "cohorts/"):
                client.get(f"{PROJECT}/{address}")
            client.get(f"{PROJECT}/persons/", headers={"Authorization": "Bearer phx_wrong"})
            client.post(f"{PROJECT}/query/", json={"query": {"kind": "HogQLQuery", "query": "SELECT"}})
            for _ in range(3):
                client.get(f"{PROJECT}/")
    return recorder.exchanges


def queries(exchanges: list[Exchange]) -> list[Exchange]:
    return [each for each in exchanges if each.method == "POST" and each.status < 400]


def test_queries_are_asked_as_described(exchanges: list[Exchange]) -> None:
    asked = [parsed(exchange.body) for exchange in queries(exchanges)]
    assert len(asked) > 10
    for body in asked:
        # That a query stands in it is written as one of several kinds.
        assert faults(body, {**shapes()["QueryRequest"], "query": "map"}) == []
        assert faults(body["query"], {**shapes()["HogQLQuery"], "kind": "string"}) == []
        assert (body["query"]["kind"], body["refresh"]) == ("HogQLQuery", "force_blocking")


def test_no_query_asks_for_more_than_is_answered_or_goes_on_by_offset(exchanges: list[Exchange]) -> None:
    most = shapes()["rate_limits"]["query_max_rows"]
    for exchange in queries(exchanges):
        text = parsed(exchange.body)["query"]["query"]
        assert "OFFSET" not in text.upper()
        if "min(timestamp)" not in text:
            assert int(text.rpartition("LIMIT ")[2]) <= most


def test_queries_are_answered_as_described(exchanges: list[Exchange]) -> None:
    for exchange in queries(exchanges):
        answer = parsed(exchange.answer)
        assert faults(answer, shapes()["HogQLQueryResponse"]) == []
        assert all(len(row) == len(answer["columns"]) for row in answer["results"])


@pytest.mark.parametrize(
    ("path", "shape"),
    [("persons/", "PersonsList"), ("events/", "EventsList"), ("cohorts/", "CohortsList")],
)
def test_lists_are_as_described(exchanges: list[Exchange], path: str, shape: str) -> None:
    answers = [parsed(each.answer) for each in exchanges if each.path.endswith(f"/{path}") and each.status == 200]
    assert answers
    assert any(answer["results"] for answer in answers)
    for answer in answers:
        assert faults(answer, shapes()[shape].get("response", shapes()[shape])) == []


def test_refusals_are_as_described(exchanges: list[Exchange]) -> None:
    refused = [each for each in exchanges if each.status >= 400]
    assert {each.status for each in refused} == {400, 401, 404, 429}
    for exchange in refused:
        assert faults(parsed(exchange.answer), shapes()["Error"]) == []


@pytest.mark.parametrize(
    ("flaw", "message"),
    [
        ({"results": None}, "is not of type 'array'"),
        ({"mood": "good"}, "Additional properties are not allowed"),
        ({"hasMore": "yes"}, "is not valid under any of the given schemas"),
    ],
)
def test_the_shapes_would_notice(exchanges: list[Exchange], flaw: dict[str, Any], message: str) -> None:
    answer = {**parsed(queries(exchanges)[0].answer), **flaw}
    assert [message in each for each in faults(answer, shapes()["HogQLQueryResponse"])] == [True]
