"""Connected components: which records hang together, directly or through others."""

import ibis

# In a round every record gives way to the least of its neighbours, and what it gave way to does the same in turn; what
# hangs together shrinks into those who gave way to nobody. Of two neighbours one gives way, so a chain of records at
# least halves with each round, and with the number of jumps it can be followed twice as far within a round. The first
# round meets every record, where nearly all chains are short, and jumps once; the others meet the few that are left:
# they take in chains of 32 in the worst order. Policy lets no cluster grow much beyond that, and one that is not whole
# by then is reported as tangled, never cut silently.
ROUNDS = (1, 5, 5, 5, 5, 5)  # the jumps in each


def components(edges: ibis.Table) -> tuple[ibis.Table, ibis.Table]:
    """Return [node, label] of connected nodes, one label to a component, and the labels still tangled.

    `edges` are pairs [a, b]. A node that labels itself has no row.
    """
    links, rounds = _downward(edges), []
    for jumps in ROUNDS:
        rounds.append(_propagate_labels(links, jumps))
        links = _contracted(links, rounds[-1])
    labels = rounds.pop()
    for gave_way in reversed(rounds):  # nearly all did in the first: where those went from there is looked up once
        labels = _moved(gave_way, labels).union(labels.view().anti_join(gave_way.view(), "node"))
    return labels, links.select(label="a").union(links.select(label="b")).distinct()


# Ibis melts a join of joins into one. `view` keeps each step a step of its own, which the engine computes once.


def _downward(edges: ibis.Table) -> ibis.Table:
    """Each pair once, the greater first."""
    # Said as a <> b, DuckDB takes it for the condition of a join before it, and compares every label with every other.
    apart = edges.filter(edges["a"].nullif(edges["b"]).notnull())
    return apart.select(a=ibis.greatest(apart["a"], apart["b"]), b=ibis.least(apart["a"], apart["b"])).distinct()


def _propagate_labels(links: ibis.Table, jumps: int) -> ibis.Table:
    """[node, label] of those who gave way; who has no lesser neighbour stays."""
    gave_way = links.group_by(node="a").agg(label=links["b"].min())
    for _ in range(jumps):
        gave_way = _moved(gave_way, gave_way)
    return gave_way


def _moved(labels: ibis.Table, gave_way: ibis.Table) -> ibis.Table:
    up = gave_way.view().select(label="node", above="label")
    moved = labels.view().left_join(up, "label")
    return moved.select("node", label=ibis.coalesce(moved["above"], moved["label"]))


def _contracted(links: ibis.Table, gave_way: ibis.Table) -> ibis.Table:
    up = gave_way.view()
    left = links.view().left_join(up.select(a="node", x="label"), "a")
    both = left.left_join(up.view().select(b="node", y="label"), "b")
    return _downward(both.select(a=ibis.coalesce(both["x"], both["a"]), b=ibis.coalesce(both["y"], both["b"])))
