"""Connected components: which records hang together, directly or through others."""

import ibis

# In a round every record gives way to the least of its neighbours, and what it gave way to does the same in turn; what
# hangs together shrinks into those who gave way to nobody. Of two neighbours one gives way, so a chain of records at
# least halves: 5 rounds take in chains of 32, and 5 jumps follow 32 steps within a round. Policy lets no cluster grow
# much beyond that, and one that is not whole by then is reported as tangled, never cut silently.
ROUNDS = 5
JUMPS = 5


def components(edges: ibis.Table) -> tuple[ibis.Table, ibis.Table]:
    """Of the pairs [a, b]: [node, label] for each node, one label to a component; and the labels still tangled."""
    links = edges.union(edges.select(a="b", b="a")).filter(lambda t: t["a"] != t["b"]).distinct()
    labels = _shrunk(links)
    links = _contracted(links, labels)
    for _ in range(ROUNDS - 1):
        hop = _shrunk(links)
        labels, links = _moved(labels, hop), _contracted(links, hop)
    return labels, links.select(label="a").distinct()


# Ibis melts a join of joins into one. `view` keeps each step a step of its own, which the engine computes once.


def _shrunk(links: ibis.Table) -> ibis.Table:
    parents = links.group_by(node="a").agg(least=links["b"].min())
    parents = parents.select("node", label=ibis.least(parents["node"], parents["least"]))
    for _ in range(JUMPS):
        up = parents.view().select(label="node", above="label")
        parents = parents.view().join(up, "label").select("node", label="above")
    return parents


def _moved(labels: ibis.Table, hop: ibis.Table) -> ibis.Table:
    up = hop.view().select("label", at="node")
    moved = labels.view().select("node", at="label").left_join(up, "at")
    return moved.select("node", label=ibis.coalesce(moved["label"], moved["at"]))


def _contracted(links: ibis.Table, hop: ibis.Table) -> ibis.Table:
    left = links.view().join(hop.view().select(a="node", x="label"), "a")
    both = left.join(hop.view().select(b="node", y="label"), "b")
    # Said as x <> y, DuckDB takes it for the condition of a join, and compares every label with every other.
    apart = both["x"].nullif(both["y"]).notnull()
    return both.filter(apart).select(a="x", b="y").distinct()
