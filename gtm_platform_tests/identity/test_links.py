"""Who is linked with whom and why, against union-find; and ids that stay what they were."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import ibis
import networkx as nx
import pytest

from gtm_platform.policy import policy
from gtm_platform_tests.identity.linked_world import linked_world
from gtm_platform_tests.tables import DAY, LONG_AGO, Row, by, rows_of

NO_ROWS: tuple[Row, ...] = ()


def linked(
    hubspot: Sequence[Row] = NO_ROWS,
    intercom: Sequence[Row] = NO_ROWS,
    stripe: Sequence[Row] = NO_ROWS,
    *,
    previous: ibis.Table | None = None,
    day: date = DAY,
    **more: Sequence[Row],
) -> ibis.Table:
    return linked_world({"hubspot": hubspot, "intercom": intercom, "stripe": stripe, **more}, previous, day)


def groups(table: ibis.Table) -> set[frozenset[str]]:
    by_customer = defaultdict(set)
    for row in rows_of(table):
        by_customer[row["customer_id"]].add(row["record_id"])
    return {frozenset(members) for members in by_customer.values()}


def test_every_way_of_being_the_same_person() -> None:
    links_of = by(
        "record_id",
        linked(
            hubspot=[
                {"id": "h1", "email": "Dana@acme.example"},
                {"id": "h2", "email": "eve@acme.example", "additional_emails": ["eve@old.example"]},
                {"id": "h3", "email": "win@acme.example", "merged_ids": ["h4", "h9"]},
                {"id": "h4", "email": "lose@acme.example"},
                {"id": "h5", "email": None},
            ],
            intercom=[
                {"id": "i1", "email": "dana+news@acme.example"},
                {"id": "i2", "email": "eve@old.example"},
                {"id": "i3", "email": None, "stripe_id": "cus_1"},
            ],
            stripe=[{"id": "cus_1", "email": "billing@acme.example"}],
        ),
    )
    matches = {
        record: (row["match_method"], row["match_confidence"], row["evidence"]) for record, row in links_of.items()
    }
    assert matches == {
        "h1": ("email", 1.0, "email dana@acme.example"),
        "i1": ("email", 1.0, "email dana@acme.example"),
        "h2": ("secondary_email", 0.9, "email eve@old.example"),
        "i2": ("secondary_email", 0.9, "email eve@old.example"),
        "h3": ("merged", 0.98, "merged into hubspot:h3"),
        "h4": ("merged", 0.98, "merged into hubspot:h3"),
        "i3": ("shared_id", 0.95, "stripe id cus_1"),
        "cus_1": ("shared_id", 0.95, "stripe id cus_1"),
        "h5": ("alone", 1.0, None),
    }
    for record, match in [("h1", "i1"), ("h2", "i2"), ("h3", "h4"), ("i3", "cus_1")]:
        assert links_of[record]["customer_id"] == links_of[match]["customer_id"]
    assert len({row["customer_id"] for row in links_of.values()}) == 5
    assert not any(row["held_back"] for row in links_of.values())


def test_a_record_that_carries_several_ids_ties_all_of_them() -> None:
    """ChartMogul counts two customers of Stripe and one of Orb as one; Orb has the finance department's address."""
    links_of = by(
        "record_id",
        linked(
            hubspot=[{"id": "h1", "email": "dana@acme.example"}],
            stripe=[{"id": "cus_1", "email": "dana@acme.example"}, {"id": "cus_2", "email": "old@acme.example"}],
            orb=[{"id": "orb_9", "email": "invoices@acme.example"}],
            chartmogul=[{"id": "cm_1", "email": None, "external_ids": ["cus_1", "orb_9", "cus_2"]}],
        ),
    )
    assert len({row["customer_id"] for row in links_of.values()}) == 1
    assert links_of["cus_2"]["match_method"] == "shared_id"


def test_a_shared_inbox_glues_nobody_and_is_held_for_review() -> None:
    links_of = by(
        "record_id",
        linked(
            hubspot=[{"id": "h1", "email": "info@acme.example", "additional_emails": ["billing@acme.example"]}],
            intercom=[{"id": "i1", "email": "Info@acme.example"}, {"id": "i2", "email": "info@lone.example"}],
            stripe=[{"id": "s1", "email": "billing@acme.example"}],
        ),
    )
    assert len({row["customer_id"] for row in links_of.values()}) == 4
    held_back = {record: (row["held_back"], row["reason"]) for record, row in links_of.items()}
    nothing = (False, None)
    assert held_back == {"h1": (True, "shared inbox"), "i1": (True, "shared inbox"), "i2": nothing, "s1": nothing}


def test_a_cluster_larger_than_policy_allows_is_not_glued() -> None:
    largest = policy().identity.largest_cluster
    crowd = [{"id": f"i{n}", "email": "all@acme.example"} for n in range(largest + 1)]
    couple = [{"id": f"p{n}", "email": "two@acme.example"} for n in range(2)]
    links_of = by("record_id", linked(intercom=[*crowd, *couple]))
    assert len({row["customer_id"] for row in links_of.values()}) == largest + 2
    assert {row["reason"] for id, row in links_of.items() if id[0] == "i"} == {f"cluster of {largest + 1} records"}
    assert {row["match_method"] for id, row in links_of.items() if id[0] == "i"} == {"alone"}
    assert not any(row["held_back"] for id, row in links_of.items() if id[0] == "p")


CONTACTS = [
    {"id": "h1", "email": "dana@acme.example"},
    {"id": "h2", "email": "eve@acme.example", "additional_emails": ["old@acme.example"]},
]
CONTRADICTED = [
    {"id": "i1", "email": "dana@acme.example", "stripe_id": "s1"},
    {"id": "i2", "email": "old@acme.example", "stripe_id": "s1"},
]


def test_two_contacts_of_the_crm_are_not_glued_by_what_other_systems_say() -> None:
    """The same Stripe id on two Intercom contacts, who are two people to HubSpot."""
    bystanders = [{"id": "i3", "email": "noor@acme.example", "stripe_id": "s2"}]
    links_of = by(
        "record_id",
        linked(CONTACTS, [*CONTRADICTED, *bystanders], [{"id": "s1", "email": None}, {"id": "s2", "email": None}]),
    )
    assert links_of["h1"]["customer_id"] == links_of["i1"]["customer_id"]  # by their own address, which is sure
    assert len({links_of[id]["customer_id"] for id in ("h1", "h2", "i2", "s1")}) == 4
    assert {id for id, row in links_of.items() if row["held_back"]} == {"h1", "h2", "i1", "i2", "s1"}
    assert links_of["s1"]["reason"] == "two records of hubspot would be one"
    assert links_of["s1"]["match_method"] == "alone"
    assert links_of["i3"]["customer_id"] == links_of["s2"]["customer_id"]


def test_a_merge_in_the_crm_settles_a_contradiction() -> None:
    merged = [CONTACTS[0] | {"merged_ids": ["h2"]}, CONTACTS[1]]
    rows = rows_of(linked(merged, CONTRADICTED, [{"id": "s1", "email": None}]))
    assert len({row["customer_id"] for row in rows}) == 1
    assert not any(row["held_back"] for row in rows)


def test_a_chain_that_cannot_be_followed_is_not_glued_either() -> None:
    chain = [
        {"id": str(n), "email": f"n{n}@acme.example", "additional_emails": [f"n{n + 1}@acme.example"]}
        for n in range(20_000)
    ]
    rows = rows_of(linked(hubspot=chain))
    assert "chain of matches too long to follow" in {row["reason"] for row in rows}
    assert all(row["held_back"] for row in rows)
    assert len({row["customer_id"] for row in rows}) == len(chain)


def a_world(seed: int, people: int = 40) -> dict[str, list[dict[str, Any]]]:
    """Random records with few addresses among them, so that many meet."""
    draw = random.Random(seed)

    def address() -> str | None:
        return draw.choice([None, "info@x.example", *[f"p{draw.randrange(people)}@x.example" for _ in range(6)]])

    def record(kind: str, n: int) -> dict[str, Any]:
        return {"id": f"{kind}{n}", "email": address(), "created_at": LONG_AGO + timedelta(days=draw.randrange(99))}

    hubspot = [record("h", n) | {"additional_emails": [address() or "?"][: draw.randrange(2)]} for n in range(20)]
    for row in draw.sample(hubspot, 3):
        row["merged_ids"] = [f"h{draw.randrange(25)}"]
    intercom = [record("i", n) | {"stripe_id": draw.choice([None, f"s{draw.randrange(20)}"])} for n in range(20)]
    return {"hubspot": hubspot, "intercom": intercom, "stripe": [record("s", n) for n in range(20)]}


def same_people(world: dict[str, list[dict[str, Any]]]) -> set[frozenset[str]]:
    """Who is one person: by everything, but where that makes several contacts of HubSpot one, by what is sure."""
    sure, whole = ties(world, sure=True), ties(world, sure=False)
    people: set[frozenset[str]] = set()
    for part in nx.connected_components(whole):
        inner = [frozenset(each) for each in nx.connected_components(sure.subgraph(part))]
        contacts = [each for each in inner if any(node[0] == "h" and sure.nodes[node] for node in each)]
        people |= set(inner) if len(contacts) > 1 else {frozenset(part)}
    records = (frozenset(node for node in each if whole.nodes[node]) for each in people)
    return {each for each in records if each}


def ties(world: dict[str, list[dict[str, Any]]], *, sure: bool) -> nx.Graph:
    """Records, which have an attribute, and what they share."""
    graph = nx.Graph()
    rows = [row for several in world.values() for row in several]
    graph.add_nodes_from((row["id"] for row in rows), is_record=True)
    for row in rows:
        graph.add_edges_from((row["id"], loser) for loser in row.get("merged_ids", []) if loser in graph)
        further = [] if sure else row.get("additional_emails", [])
        for mail in [row["email"], *further]:
            if mail and "@" in mail and not mail.startswith("info@"):
                graph.add_edge(row["id"], mail)
        if row["id"][0] == "s" and not sure:
            graph.add_edge(row["id"], "id " + row["id"])
        if row.get("stripe_id") and not sure:
            graph.add_edge(row["id"], "id " + row["stripe_id"])
    return graph


@pytest.mark.parametrize("seed", range(3))
def test_links_against_an_oracle_whatever_the_order_of_records(seed: int) -> None:
    world = a_world(seed)
    first = linked(*world.values())
    assert groups(first) == same_people(world)
    shuffled = {source: random.Random(seed).sample(rows, len(rows)) for source, rows in world.items()}
    assert by("record_id", linked(*shuffled.values())) == by("record_id", first)


@pytest.mark.parametrize("seed", range(2))
def test_the_next_day_changes_nothing_where_nothing_changed(seed: int) -> None:
    world = a_world(seed)
    first = linked(*world.values())
    second = linked(*world.values(), previous=first, day=DAY + timedelta(days=1))
    assert by("record_id", second) == by("record_id", first)


@pytest.mark.parametrize("seed", range(2))
def test_ids_through_days_of_change(seed: int) -> None:
    """Records come, go and change address; what may never happen does not."""
    draw, world = random.Random(seed), a_world(seed)
    before = linked(*world.values())
    for number in range(1, 5):
        for rows in world.values():
            rows.pop(draw.randrange(len(rows)))
            draw.choice(rows)["email"] = f"p{draw.randrange(40)}@x.example"
        after = linked(*world.values(), previous=before, day=DAY + timedelta(days=number))
        assert groups(after) == same_people(world)
        check_ids(rows_of(before), rows_of(after), DAY + timedelta(days=number))
        before = after


@pytest.mark.parametrize("left_out", [1, 2])
def test_a_day_that_is_filled_in_later_renames_nobody(left_out: int) -> None:
    """Who was there before the day that was left out has the same id, whether the day is there or not."""
    draw, world = random.Random(left_out), a_world(left_out)
    worlds = [world]
    for _ in range(3):
        world = {source: [dict(row) for row in rows] for source, rows in world.items()}
        for rows in world.values():
            rows.pop(draw.randrange(len(rows)))
            draw.choice(rows)["email"] = f"p{draw.randrange(40)}@x.example"
        worlds.append(world)
    complete, gap = lived(worlds), lived([None if n == left_out else each for n, each in enumerate(worlds)])
    known = {row["customer_id"] for row in complete[left_out - 1]}
    for day in range(left_out + 1, len(worlds)):
        ids, ids_after_gap = (
            {(row["source"], row["record_id"]): row["customer_id"] for row in each[day]} for each in (complete, gap)
        )
        assert {record: id for record, id in ids.items() if id in known} == {
            record: id for record, id in ids_after_gap.items() if id in known
        }


def lived(worlds: Sequence[dict[str, list[dict[str, Any]]] | None]) -> list[list[dict[str, Any]]]:
    """The links of each day, each made after the newest day before that was not left out."""
    days: list[list[dict[str, Any]]] = []
    previous: ibis.Table | None = None
    for number, world in enumerate(worlds):
        if world is not None:
            previous = linked(*world.values(), previous=previous, day=DAY + timedelta(days=number))
        days.append(rows_of(previous) if previous is not None else [])
    return days


def check_ids(before: list[dict[str, Any]], after: list[dict[str, Any]], day: date) -> None:
    had = {row["record_id"]: row["customer_id"] for row in before}
    since = {row["customer_id"]: row["first_seen"] for row in before}
    used = set(had.values()) | {alias for row in before for alias in row["aliases"]}
    live = {row["customer_id"] for row in after}
    for customer in live:
        rows = [row for row in after if row["customer_id"] == customer]
        assert len({row["first_seen"] for row in rows}) == 1
        assert not set(rows[0]["aliases"]) & live
        claims = {had[row["record_id"]] for row in rows if row["record_id"] in had}
        if customer in since:  # an id that lives on: the oldest of those that its records had
            assert rows[0]["first_seen"] == since[customer]
            assert all((since[customer], customer) <= (since[c], c) for c in claims & set(rows[0]["aliases"]))
        else:  # a new one was never anybody's
            assert customer not in used
            assert rows[0]["first_seen"] == day


def test_when_customers_merge_the_older_id_stays_and_the_other_is_an_alias() -> None:
    old = {"id": "h1", "email": "dana@acme.example"}
    new = {"id": "i1", "email": "dana@home.example"}
    first = linked(hubspot=[old])
    older_id = rows_of(first)[0]["customer_id"]
    second = linked(hubspot=[old], intercom=[new], previous=first, day=DAY + timedelta(days=1))
    younger_id = by("record_id", second)["i1"]["customer_id"]
    assert younger_id != older_id

    new["email"] = "dana@acme.example"
    third = linked(hubspot=[old], intercom=[new], previous=second, day=DAY + timedelta(days=2))
    ids = {(row["customer_id"], row["first_seen"], tuple(row["aliases"])) for row in rows_of(third)}
    assert ids == {(older_id, DAY, (younger_id,))}

    # The founding record is deleted: the id stays. It comes back as somebody else: not under that id.
    fourth = linked(intercom=[new], previous=third, day=DAY + timedelta(days=3))
    assert rows_of(fourth)[0]["customer_id"] == older_id
    assert rows_of(fourth)[0]["aliases"] == [younger_id]
    stranger = {"id": "h1", "email": "other@acme.example"}
    fifth = by("record_id", linked([stranger], [new], previous=fourth, day=DAY + timedelta(days=4)))
    assert fifth["i1"]["customer_id"] == older_id
    assert fifth["h1"]["customer_id"] not in (older_id, younger_id)


def test_a_contact_that_was_merged_away_leaves_its_id_as_an_alias() -> None:
    winner, loser = {"id": "h1", "email": "a@acme.example"}, {"id": "h2", "email": "b@acme.example"}
    first = linked(hubspot=[winner, loser])
    ids = {record: row["customer_id"] for record, row in by("record_id", first).items()}
    second = linked(hubspot=[winner | {"merged_ids": ["h2"]}], previous=first, day=DAY + timedelta(days=1))
    (row,) = rows_of(second)
    assert sorted([row["customer_id"], *row["aliases"]]) == sorted(ids.values())
    assert (row["match_method"], row["customer_id"]) == ("alone", min(ids.values()))


def test_a_split_leaves_the_id_with_the_oldest_record() -> None:
    young = {"id": "h1", "email": "dana@acme.example", "created_at": LONG_AGO + timedelta(days=1)}
    old = {"id": "i1", "email": "dana@acme.example", "created_at": LONG_AGO}
    first = linked(hubspot=[young], intercom=[old])
    (customer,) = {row["customer_id"] for row in rows_of(first)}
    apart = by(
        "record_id",
        linked([young | {"email": "e@acme.example"}], [old], previous=first, day=DAY + timedelta(days=1)),
    )
    assert apart["i1"]["customer_id"] == customer
    assert apart["h1"]["customer_id"] != customer
