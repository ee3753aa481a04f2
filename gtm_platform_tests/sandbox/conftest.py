"""A sandbox of some hundred people, twenty days after its start, for the tests of one emulator each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform_tests.contract.recorder import served

LOWEST_DOCUMENTED = 5
START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + timedelta(days=20)
DAY: date = NOW.date() - timedelta(days=1)  # the last day that is over


@contextmanager
def serving(app: ASGIApp, headers: Mapping[str, str]) -> Iterator[httpx.Client]:
    """A client of an application that is served for as long as the context lasts."""
    with served(app) as url, httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """The sandbox, whose documented limits let everything through; the low ones of single tests hold."""
    take = Limit.take
    with pytest.MonkeyPatch.context() as patch, running(people=300, seed=5, now=START) as sandbox:
        patch.setattr(Limit, "take", lambda limit: limit.calls >= LOWEST_DOCUMENTED or take(limit))
        sandbox.world.advance(NOW)
        yield sandbox


@pytest.fixture(scope="module")
def true_people(box: Sandbox) -> list[dict[str, Any]]:
    """What is true of everybody at the end of the last day."""
    people: list[dict[str, Any]] = box.world.truth(DAY)["people"]
    return people


@pytest.fixture(scope="module")
def get(box: Sandbox) -> Iterator[Callable[..., Any]]:
    """Read an address of the sandbox; an answer that is no success fails the test."""
    with httpx.Client(base_url=box.url, trust_env=False, timeout=60) as client:

        def read(path: str, headers: dict[str, str], **params: Any) -> Any:
            return client.get(path, headers=headers, params=params).raise_for_status().json()

        yield read
