"""All that is asked of Orb and ChartMogul, and what their emulators answer, against what their clients publish."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gtm_platform.ingest.source import Source
from gtm_platform.sandbox import chartmogul as chartmogul_emulator
from gtm_platform.sandbox import orb as orb_emulator
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world import World
from gtm_platform.sources.chartmogul.source import SOURCE as CHARTMOGUL
from gtm_platform.sources.orb.source import SOURCE as ORB
from gtm_platform_tests.contract.billing_apis import chartmogul, orb
from gtm_platform_tests.contract.description import Description
from gtm_platform_tests.contract.places import needs_specs
from gtm_platform_tests.contract.recorder import Exchange, Recorder, served
from gtm_platform_tests.contract.systems import MANY, NOW
from gtm_platform_tests.contract.traffic import pointed_at, sweep

pytestmark = needs_specs

SEED, PEOPLE = 7, 40  # a world in which some have a contract at Orb
DESCRIPTIONS: dict[str, Callable[[], Description]] = {"orb": orb, "chartmogul": chartmogul}
SOURCES: dict[str, Source] = {"orb": ORB, "chartmogul": CHARTMOGUL}
USED = {
    "orb": {
        "GET /v1/ping", "GET /v1/customers", "GET /v1/subscriptions", "GET /v1/plans", "GET /v1/invoices",
        "GET /v1/credit_notes",
    },
    "chartmogul": {
        "GET /v1/account", "GET /v1/customers", "GET /v1/activities", "GET /v1/plans", "GET /v1/data_sources",
        "GET /v1/metrics/all", "GET /v1/metrics/mrr",
    },
}  # fmt: skip
of_each_system = pytest.mark.parametrize("system", SOURCES)


@pytest.fixture(scope="module")
def swept() -> Recorder:
    world = World(SEED, PEOPLE, NOW - timedelta(days=2))
    world.advance(NOW)
    calls = Limit(MANY, 3600)
    apps = {
        "orb": orb_emulator.app(world.orb, world.clock, orb_emulator.Limits(calls)),
        "chartmogul": chartmogul_emulator.app(world.chartmogul, world.clock, chartmogul_emulator.Limits(calls)),
    }
    recorder = Recorder(Starlette(routes=[Mount(f"/{name}", app) for name, app in apps.items()]))
    with served(recorder) as url, pointed_at(url):
        for source in SOURCES.values():
            counts = sweep(source)
            assert all(counts.values()), f"{source.name} brought nothing of {counts}"
    return recorder


def wrong(system: str, exchanges: list[Exchange]) -> list[str]:
    description = DESCRIPTIONS[system]()
    return sorted({str(each) for exchange in exchanges for each in description.disagreements(exchange)})


@of_each_system
def test_every_exchange_is_as_described(system: str, swept: Recorder) -> None:
    assert wrong(system, swept.of(system)) == []


@of_each_system
def test_every_operation_that_is_used_was_asked(system: str, swept: Recorder) -> None:
    operations = [DESCRIPTIONS[system]().operation(exchange) for exchange in swept.of(system)]
    assert {str(each) for each in operations} == USED[system]


@of_each_system
def test_the_key_travels_in_the_header_only(system: str, swept: Recorder) -> None:
    key = {"orb": orb_emulator.TOKEN, "chartmogul": chartmogul_emulator.TOKEN}[system]
    assert all(key not in str(exchange.query) + exchange.body.decode() for exchange in swept.of(system))


@pytest.mark.parametrize(
    ("system", "path", "change"),
    [
        ("orb", "/v1/customers", {"query": [("limit", "101")]}),
        ("orb", "/v1/customers", {"query": [("updated_at[gte]", "2026-01-01")]}),
        ("orb", "/v1/invoices", {"query": [("status[]", "open")]}),
        ("orb", "/v1/customers", {"headers": {}}),
        ("chartmogul", "/v1/customers", {"query": [("page", "2")]}),
        ("chartmogul", "/v1/metrics/mrr", {"query": [("start-date", "2026-01-01")]}),
        ("chartmogul", "/v1/customers", {"path": "/v1/people"}),
    ],
)
def test_the_judge_sees_a_wrong_request(system: str, path: str, change: dict[str, Any], swept: Recorder) -> None:
    exchange = next(each for each in swept.of(system) if each.path == path)
    assert wrong(system, [exchange]) == []
    assert wrong(system, [replace(exchange, **change)])


@pytest.mark.parametrize(
    ("system", "root", "field"), [("orb", "data", "created_at"), ("chartmogul", "entries", "name")]
)
def test_the_judge_sees_a_wrong_answer(system: str, root: str, field: str, swept: Recorder) -> None:
    exchange = next(each for each in swept.of(system) if each.path == "/v1/customers")
    shown = json.loads(exchange.answer)
    shown[root][0][field] = None
    assert wrong(system, [replace(exchange, answer=json.dumps(shown).encode())])
