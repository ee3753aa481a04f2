"""ZoomInfo's emulator, read as a stranger would: its envelope, its limits, its credits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world.world import World
from gtm_platform.sandbox.zoominfo import CLIENT_ID, CLIENT_SECRET, Limits, app
from gtm_platform.sandbox.zoominfo.store import ZoomInfoStore, replay
from gtm_platform_tests.sandbox.conftest import serving

START = datetime(2026, 3, 2, tzinfo=UTC)
JSON_API = {"Content-Type": "application/vnd.api+json"}


@pytest.fixture(scope="module")
def world() -> World:
    return World(3, 40, START)


@pytest.fixture
def store(world: World) -> ZoomInfoStore:
    return ZoomInfoStore(world.market)


@pytest.fixture
def writes() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def client(store: ZoomInfoStore, writes: list[dict[str, Any]]) -> Iterator[httpx.Client]:
    with serving(app(store, lambda: START, writes.append, Limits(second=Limit(100, 1))), JSON_API) as opened:
        form = {"grant_type": "client_credentials"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = opened.post("/gtm/oauth/v1/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET), headers=headers).json()
        opened.headers["Authorization"] = f"Bearer {answer['access_token']}"
        yield opened


def enrich(client: httpx.Client, *inputs: dict[str, str], fields: tuple[str, ...] = ("id", "name")) -> httpx.Response:
    attributes = {"matchCompanyInput": list(inputs), "outputFields": list(fields)}
    return client.post(
        "/gtm/data/v1/companies/enrich", json={"data": {"type": "CompanyEnrich", "attributes": attributes}}
    )


def domains_of(store: ZoomInfoStore) -> list[str]:
    return [facts.domain for facts in store.facts.search(lambda _: True, START)]


def test_a_company_is_charged_once_and_kept_across_a_restart(
    client: httpx.Client, store: ZoomInfoStore, writes: list[dict[str, Any]], world: World
) -> None:
    domain = domains_of(store)[0]
    for _ in range(2):
        (item,) = enrich(client, {"companyWebsite": f"www.{domain}"}).json()["data"]
        assert item["meta"] == {"matchStatus": "FULL_MATCH", "input": {"companyWebsite": f"www.{domain}"}}
        assert set(item["attributes"]) == {"name"}
    (usage,) = client.get("/gtm/data/v1/users/usage").json()["data"]
    assert usage["attributes"]["usage"][0]["currentUsage"] == 1
    restarted = ZoomInfoStore(world.market)
    for write in writes:
        replay(restarted, write, START)
    assert restarted.redeemed == store.redeemed


def test_searching_is_free_and_says_how_many_pages_there_are(client: httpx.Client, store: ZoomInfoStore) -> None:
    body = {"data": {"type": "CompanySearch", "attributes": {}}}
    answer = client.post("/gtm/data/v1/companies/search?page[size]=5&page[number]=2", json=body).json()
    assert len(answer["data"]) == 5
    assert answer["meta"]["totalResults"] == len(domains_of(store))
    assert answer["meta"]["page"] == {"number": 2, "total": -(-len(domains_of(store)) // 5)}
    assert store.redeemed == set()


@pytest.mark.parametrize(
    ("inputs", "fields", "code"),
    [
        ([], ("id",), "PFAPI0004"),
        ([{"companyName": "x"}] * 26, ("id",), "PFAPI0002"),
        ([{"companyName": "x"}], (), "PFAPI0003"),
        ([{"companyName": "x"}], ("id", "shoeSize"), "PFAPI0009"),
    ],
)
def test_what_is_wrong_is_refused_by_its_code(
    client: httpx.Client, inputs: list[dict[str, str]], fields: tuple[str, ...], code: str
) -> None:
    answer = enrich(client, *inputs, fields=fields)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


def test_the_type_and_the_media_type_have_to_be_right(client: httpx.Client) -> None:
    wrong = {"data": {"type": "companyEnrich", "attributes": {}}}
    assert client.post("/gtm/data/v1/companies/enrich", json=wrong).status_code == 400
    plain = client.post("/gtm/data/v1/companies/enrich", json=wrong, headers={"Content-Type": "application/json"})
    assert "application/vnd.api+json" in plain.json()["detail"]


def test_without_a_token_and_beyond_the_limit_the_gateway_answers(store: ZoomInfoStore) -> None:
    with serving(app(store, lambda: START, lambda _: None, Limits(second=Limit(0, 60))), JSON_API) as client:
        refused = client.get("/gtm/data/v1/users/usage")
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "ZI0001")
        token = client.post(
            "/gtm/oauth/v1/token",
            data={"grant_type": "client_credentials"},
            auth=(CLIENT_ID, CLIENT_SECRET),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ).json()["access_token"]
        limited = client.get("/gtm/data/v1/users/usage", headers={"Authorization": f"Bearer {token}"})
    assert (limited.status_code, limited.json()["error"]["code"]) == (429, "ZI0004")
    assert limited.headers["x-ratelimit-rejected-bucket"] == "second"
