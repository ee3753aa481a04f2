"""The receiver of the documentation, given what the platform sends."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gtm_platform_tests.delivery.triggers.conftest import Room, day_of, person
from gtm_platform_tests.delivery.world import NOW

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "webhook_receiver.py"


@pytest.fixture
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_has_the_table_after_whatever_arrived_in_any_order_and_twice(room: Room, example: Any) -> None:
    _, example.SECRET = room.add("health_status", whole=True)
    for status in ("healthy", "at_risk", "critical"):
        room.compare(day_of(person("c1", health_status=status), person("c2")))
        room.send()
    newest: dict[str, Any] = {}
    for each in [*reversed(room.receiver.arrived), *room.receiver.arrived]:
        assert example.receive(each.headers, each.body, newest, NOW.timestamp()) == 204
    assert {id: data["after"] for id, data in newest.items()} == {
        "c1": {"health_status": "critical"},
        "c2": {"health_status": "healthy"},
    }


def test_it_takes_nothing_that_was_changed_or_is_old(room: Room, example: Any) -> None:
    _, example.SECRET = room.add("health_status", whole=True)
    room.compare(day_of(person("c1")))
    room.send()
    [message] = room.receiver.arrived
    assert example.receive(message.headers, message.body + b" ", {}, NOW.timestamp()) == 401
    assert example.receive(message.headers, message.body, {}, NOW.timestamp() + 301) == 401
    assert example.receive(message.headers | {"webhook-id": "msg_other"}, message.body, {}, NOW.timestamp()) == 401
