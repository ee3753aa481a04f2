"""Connected components against networkx, on random graphs and on the shapes that are hardest to follow."""

import random
from collections import defaultdict
from itertools import pairwise

import ibis
import networkx as nx
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from gtm_platform.identity.components import components
from gtm_platform_tests.tables import rows_as_table, rows_of

PAIR = ibis.schema({"a": "string", "b": "string"})


def resolved(edges: list[tuple[str, str]]) -> tuple[set[frozenset[str]], list[str]]:
    labels, tangled = components(rows_as_table(PAIR, [{"a": a, "b": b} for a, b in edges]))
    moved = rows_of(labels)
    label = {node: node for edge in edges for node in edge} | {row["node"]: row["label"] for row in moved}
    assert len({row["node"] for row in moved}) == len(moved)
    groups = defaultdict(set)
    for node in label:
        groups[label[node]].add(node)
    return {frozenset(group) for group in groups.values()}, [row["label"] for row in rows_of(tangled)]


def expected(edges: list[tuple[str, str]]) -> set[frozenset[str]]:
    return {frozenset(group) for group in nx.connected_components(nx.Graph(edges))}


@settings(max_examples=8, deadline=None, derandomize=True)
@drawn(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=40))
def test_random_graphs(pairs: list[tuple[int, int]]) -> None:
    edges = [(f"n{a:02}", f"n{b:02}") for a, b in pairs]
    assert resolved(edges) == (expected(edges), [])


@pytest.mark.parametrize("seed", range(4))
def test_chains_of_32_and_trees_of_50_in_any_order_of_names(seed: int) -> None:
    shuffled = random.Random(seed)
    chain = [f"c{n:03}" for n in range(32)]
    tree = [f"t{n:03}" for n in range(50)]
    if seed:  # the first is in order: the longest way down
        shuffled.shuffle(chain)
        shuffled.shuffle(tree)
    edges = list(pairwise(chain))
    edges += [(tree[n], tree[shuffled.randrange(n)]) for n in range(1, len(tree))]
    assert resolved(edges) == (expected(edges), [])


def test_what_cannot_be_followed_to_its_end_is_said_to_be_tangled() -> None:
    # Every other name is large, so that each round leaves every second of those that are left.
    names = dict.fromkeys(range(200), 0)
    for n in names:
        names[n] = int(f"{n:08b}"[::-1], 2)
    edges = [(f"{names[n]:03}", f"{names[n + 1]:03}") for n in range(199)]
    groups, tangled = resolved(edges)
    assert len(groups) > 1
    assert tangled
