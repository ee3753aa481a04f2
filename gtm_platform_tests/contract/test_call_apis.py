"""All that is asked of Calendly and Fathom, and what their emulators answer, against the descriptions at hand."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from gtm_platform.ingest.source import Source
from gtm_platform.sandbox import calendly as calendly_emulator
from gtm_platform.sandbox import fathom as fathom_emulator
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world import World
from gtm_platform.sources.calendly.source import SOURCE as CALENDLY
from gtm_platform.sources.fathom.source import SOURCE as FATHOM
from gtm_platform_tests.contract.description import Description
from gtm_platform_tests.contract.places import needs_specs
from gtm_platform_tests.contract.recorder import Exchange, Recorder, served
from gtm_platform_tests.contract.systems import MANY, NOW
from gtm_platform_tests.contract.traffic import pointed_at, sweep
from gtm_platform_tests.sandbox import judge
from gtm_platform_tests.sandbox.test_calendly_emulator import NEWER

pytestmark = needs_specs

SEED, PEOPLE = 5, 40
SOURCES: dict[str, Source] = {"calendly": CALENDLY, "fathom": FATHOM}
FILES = {
    "calendly": "calendly/calendly-v2.openapi.yaml",
    "fathom": "fathom/fathom-external-v1.reconstructed.openapi.yaml",
}
BASES = {"calendly": "", "fathom": "/external/v1"}  # what the addresses described are below
USED = {
    "calendly": {
        "GET /users/me", "GET /organization_memberships", "GET /scheduled_events",
        "GET /scheduled_events/{uuid}/invitees", "GET /event_types",
    },
    "fathom": {"GET /meetings", "GET /team_members"},
}  # fmt: skip
KEYS = {"calendly": (calendly_emulator.TOKEN,), "fathom": fathom_emulator.KEYS}
of_each_system = pytest.mark.parametrize("system", SOURCES)


@cache
def described(system: str) -> Description:
    description = judge.described(system, FILES[system])
    description.same = (f"^{BASES[system]}", "")
    return description


@pytest.fixture(scope="module")
def swept() -> Recorder:
    world = World(SEED, PEOPLE, NOW - timedelta(days=2))
    world.advance(NOW)
    calls = Limit(MANY, 3600)
    apps = {
        "calendly": calendly_emulator.app(world.calendly, world.clock, limits=calendly_emulator.Limits(calls)),
        "fathom": fathom_emulator.app(world.fathom, world.clock, fathom_emulator.Limits(calls)),
    }
    recorder = Recorder(Starlette(routes=[Mount(f"/{name}", app) for name, app in apps.items()]))
    with served(recorder) as url, pointed_at(url, CALENDLY_MAX_RPM=str(MANY), FATHOM_MAX_RPM=str(MANY)):
        for source in SOURCES.values():
            counts = sweep(source)
            assert all(counts.values()), f"{source.name} brought nothing of {counts}"
    return recorder


def wrong(system: str, exchanges: list[Exchange]) -> list[str]:
    found = {str(each) for exchange in exchanges for each in described(system).disagreements(exchange)}
    return sorted(each for each in found if not any(newer in each for newer in NEWER))


@of_each_system
def test_every_exchange_is_as_described(system: str, swept: Recorder) -> None:
    assert wrong(system, swept.of(system)) == []


@of_each_system
def test_every_operation_that_is_used_was_asked(system: str, swept: Recorder) -> None:
    assert {str(described(system).operation(exchange)) for exchange in swept.of(system)} == USED[system]


@of_each_system
def test_nothing_that_is_asked_is_refused(system: str, swept: Recorder) -> None:
    assert {exchange.status for exchange in swept.of(system)} == {200}


@of_each_system
def test_the_keys_travel_in_the_header_only(system: str, swept: Recorder) -> None:
    sent = [str(exchange.query) + exchange.body.decode() for exchange in swept.of(system)]
    assert not [text for text in sent if any(key in text for key in KEYS[system])]


@pytest.mark.parametrize(
    ("system", "path", "change"),
    [
        ("calendly", "/scheduled_events", {"query": [("min_start", "2026-03-01T00:00:00.000000Z")]}),
        ("calendly", "/organization_memberships", {"query": [("count", "many")]}),
        ("calendly", "/users/me", {"path": "/me"}),
        ("fathom", "/external/v1/meetings", {"query": [("limit", "50")]}),
        ("fathom", "/external/v1/meetings", {"query": [("include_summary", "maybe")]}),
        ("fathom", "/external/v1/team_members", {"path": "/external/v1/members"}),
    ],
)
def test_the_judge_sees_a_wrong_request(system: str, path: str, change: dict[str, Any], swept: Recorder) -> None:
    exchange = next(each for each in swept.of(system) if each.path == path)
    assert wrong(system, [exchange]) == []
    assert wrong(system, [replace(exchange, **change)])
