"""What people decide wins over the rules, can be taken back, and leaves the rest as it is."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import ibis
import networkx as nx
import pytest

from gtm_platform.identity.decisions import Membership, record_key, refused
from gtm_platform.state.identity_decisions import Decision
from gtm_platform_tests.identity.linked_world import linked_world
from gtm_platform_tests.tables import DAY, LONG_AGO, Row, by

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
NEXT_DAY = DAY + timedelta(days=1)


def decision(number: int, kind: str, first: str, second: str, *, undone: bool = False) -> Decision:
    return Decision(number, kind, first, second, "Noor", "it says so on the phone", NOW, NOW if undone else None)


def linked(
    world: Mapping[str, Sequence[Row]],
    *decided: Decision,
    previous: ibis.Table | None = None,
    day: date = DAY,
) -> ibis.Table:
    return linked_world(world, previous, day, decided)


def customers(table: ibis.Table) -> dict[str, str]:
    return {record: row["customer_id"] for record, row in by("record_id", table).items()}


STRANGERS = {
    "hubspot": [{"id": "h1", "email": "dana@acme.example", "created_at": LONG_AGO}],
    "intercom": [{"id": "i1", "email": "d@home.example", "created_at": LONG_AGO + timedelta(days=3)}],
}
GLUED = {
    "hubspot": [
        {"id": "h1", "email": "dana@acme.example", "additional_emails": ["eve@acme.example"], "created_at": LONG_AGO},
    ],
    "intercom": [
        {"id": "i1", "email": "eve@acme.example", "created_at": LONG_AGO + timedelta(days=3)},
        {"id": "i2", "email": "dana@acme.example"},
    ],
    "stripe": [{"id": "s1", "email": "eve@acme.example", "created_at": LONG_AGO + timedelta(days=1)}],
}


def test_a_merge_ties_records_that_share_nothing_and_says_so() -> None:
    rows = by("record_id", linked(STRANGERS, decision(3, "merge", "hubspot:h1", "intercom:i1")))
    assert rows["h1"]["customer_id"] == rows["i1"]["customer_id"]
    assert {(row["match_method"], row["match_confidence"], row["evidence"]) for row in rows.values()} == {
        ("decision", 1.0, "decision 3")
    }


def test_the_day_after_a_merge_was_undone_is_as_if_there_had_been_none() -> None:
    merge = decision(1, "merge", "hubspot:h1", "intercom:i1")
    before = linked(STRANGERS)
    together = linked(STRANGERS, merge, previous=before, day=NEXT_DAY)
    assert len(set(customers(together).values())) == 1
    undone = decision(1, "merge", "hubspot:h1", "intercom:i1", undone=True)
    after = linked(STRANGERS, undone, previous=together, day=NEXT_DAY + timedelta(days=1))
    never = linked(
        STRANGERS, previous=linked(STRANGERS, previous=before, day=NEXT_DAY), day=NEXT_DAY + timedelta(days=1)
    )
    assert customers(after) == customers(never)
    assert not any(row["aliases"] for row in by("record_id", after).values())


def test_a_split_separates_by_what_is_least_sure_and_keeps_what_belongs_together() -> None:
    together = customers(linked(GLUED))
    assert len(set(together.values())) == 1
    rows = by("record_id", linked(GLUED, decision(1, "split", "hubspot:h1", "intercom:i1")))
    assert rows["h1"]["customer_id"] == rows["i2"]["customer_id"]
    assert rows["i1"]["customer_id"] == rows["s1"]["customer_id"]
    assert rows["h1"]["customer_id"] != rows["i1"]["customer_id"]
    assert {row["match_method"] for row in rows.values()} == {"email"}


@pytest.mark.soak
def test_after_a_split_links_equal_those_of_a_world_without_the_shared_trait() -> None:
    innocent = {**GLUED, "hubspot": [{**GLUED["hubspot"][0], "additional_emails": []}]}
    split = decision(1, "split", "intercom:i1", "hubspot:h1")
    assert by("record_id", linked(GLUED, split)) == by("record_id", linked(innocent))
    # Also when the days before are made again, and from then on.
    first, never = linked(GLUED, split), linked(innocent)
    for number in range(1, 3):
        day = DAY + timedelta(days=number)
        first, never = linked(GLUED, split, previous=first, day=day), linked(innocent, previous=never, day=day)
    assert by("record_id", first) == by("record_id", never)


def test_a_split_holds_when_new_records_would_bring_the_two_together() -> None:
    split = decision(1, "split", "hubspot:h1", "intercom:i1")
    bridge = {"id": "h9", "email": "eve@acme.example", "additional_emails": ["dana@acme.example"]}
    world = {**GLUED, "hubspot": [*GLUED["hubspot"], bridge]}
    ids = customers(linked(world, split))
    assert ids["h1"] != ids["i1"]
    assert ids["h9"] == ids["i1"]  # by its own address, which is surer than a further one


def test_splitting_records_of_one_address_leaves_the_older_with_those_that_share_it() -> None:
    world = {
        "intercom": [
            {"id": f"i{n}", "email": "x@acme.example", "created_at": LONG_AGO + timedelta(days=n)} for n in range(4)
        ]
    }
    ids = customers(linked(world, decision(1, "split", "intercom:i0", "intercom:i2")))
    assert ids["i0"] == ids["i1"] == ids["i3"] != ids["i2"]
    assert (
        by("record_id", linked(world, decision(1, "split", "intercom:i0", "intercom:i2")))["i2"]["match_method"]
        == "alone"
    )


def test_an_address_that_is_an_id_is_not_written_down() -> None:
    assert (
        "@" not in record_key("fathom", "dana@acme.example")
        or record_key("fathom", "x@y.example") == "fathom:x@y.example"
    )
    assert record_key("hubspot", "12") == "hubspot:12"


@pytest.mark.parametrize("seed", range(20))
def test_random_splits_against_a_graph(seed: int) -> None:
    draw = random.Random(seed)
    records = [f"r{n}" for n in range(12)]
    memberships = [
        Membership(draw.randrange(4), f"trait {n}", draw.randrange(5), record)
        for n in range(8)
        for record in draw.sample(records, 3)
    ]
    pairs = [tuple(draw.sample(records, 2)) for _ in range(draw.randrange(4))]
    gone = refused(memberships, pairs)

    def graph(without: Sequence[Membership]) -> nx.Graph:
        made = nx.Graph()
        made.add_nodes_from(records)
        made.add_edges_from((m.record, m.trait) for m in memberships if m not in without)
        return made

    kept = graph(gone)
    assert not any(nx.has_path(kept, a, b) for a, b in pairs)
    if not any(nx.has_path(graph([]), a, b) for a, b in pairs):
        assert gone == []
    for each in gone:  # none was refused without need
        less = graph([other for other in gone if other != each])
        assert any(nx.has_path(less, a, b) for a, b in pairs)


def test_without_decisions_links_are_those_of_the_rules() -> None:
    rows: Any = by("record_id", linked(GLUED))
    undone = decision(1, "split", "hubspot:h1", "intercom:i1", undone=True)
    assert by("record_id", linked(GLUED, undone)) == rows
