"""Whose records all lie at a domain of canaries is a canary, has no company, and is never a customer of ours."""

from datetime import timedelta
from typing import Any

import pytest

from gtm_platform.identity import links
from gtm_platform.lake.canaries import is_canary
from gtm_platform.policy import Canaries, policy
from gtm_platform_tests.identity import linked_world as module
from gtm_platform_tests.identity.linked_world import linked_world
from gtm_platform_tests.tables import DAY, by, rows_of

CANARY = "canary-1@canaries.acme.example"


@pytest.fixture(autouse=True)
def domain(monkeypatch: pytest.MonkeyPatch) -> None:
    on = policy().model_copy(update={"canaries": Canaries(domains=("canaries.acme.example",))})
    monkeypatch.setattr(module, "policy", lambda: on)


def ids(world: Any, previous: Any = None, days: int = 0) -> tuple[dict[str, str], Any]:
    table = linked_world(world, previous, DAY + timedelta(days=days))
    return {record: row["customer_id"] for record, row in by("record_id", table).items()}, table


def test_both_records_of_a_canary_have_one_id_that_says_so_and_keep_it() -> None:
    world = {
        "hubspot": [{"id": "h1", "email": CANARY}, {"id": "h2", "email": "ada@acme.example"}],
        "intercom": [{"id": "i1", "email": CANARY}, {"id": "i2", "email": "eve@notcanaries.acme.example"}],
    }
    first, table = ids(world)
    assert is_canary(first["h1"])
    assert first["h1"] == first["i1"]
    assert not any(map(is_canary, (first["h2"], first["i2"])))
    assert ids(world, table, days=1)[0] == first


def test_a_person_whom_a_canary_was_merged_into_is_shown_with_the_id_of_before() -> None:
    """A person merges the two in HubSpot by mistake: the customer must not disappear with the canary."""
    apart = {"hubspot": [{"id": "h1", "email": CANARY}, {"id": "h2", "email": "ada@acme.example"}]}
    first, table = ids(apart)
    merged = {
        "hubspot": [{"id": "h2", "email": "ada@acme.example", "additional_emails": [CANARY], "merged_ids": ["h1"]}]
    }
    assert ids(merged, table, days=1)[0]["h2"] == first["h2"]
    lost = {"hubspot": [{"id": "h1", "email": CANARY}, {"id": "h3", "email": "new@acme.example", "merged_ids": ["h1"]}]}
    joined, _ = ids(lost, table, days=1)
    assert not is_canary(joined["h3"])


def test_who_was_a_customer_before_the_domain_was_named_becomes_a_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    world = {"intercom": [{"id": "i1", "email": CANARY}]}
    with monkeypatch.context() as patch:
        patch.setattr(module, "policy", policy)
        before, table = ids(world)
    assert not is_canary(before["i1"])
    after, _ = ids(world, table, days=1)
    assert is_canary(after["i1"])


def test_without_a_domain_nobody_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "policy", policy)
    named = rows_of(linked_world({"intercom": [{"id": "i1", "email": CANARY}]}, None, DAY))
    assert not any(is_canary(row["customer_id"]) for row in named)
    assert links.TABLE.has_canaries
