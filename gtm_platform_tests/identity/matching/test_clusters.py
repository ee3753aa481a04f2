"""Clusters against agglomerative average linkage, computed pair by pair."""

import random

import pytest

from gtm_platform.identity.matching import clusters
from gtm_platform.identity.matching.engine import matching_engine

Weights = dict[tuple[int, int], float]


def clustered(weights: Weights, records: int, hard_ids: dict[int, str], cut: float) -> list[int]:
    with matching_engine() as engine:
        engine.execute("create table records (row integer, hard_id varchar)")
        engine.executemany("insert into records values (?, ?)", [(n, hard_ids.get(n)) for n in range(records)])
        engine.execute("create table weighed_pairs (a integer, b integer, weight double)")
        if weights:
            engine.executemany(
                "insert into weighed_pairs values (?, ?, ?)", [(*pair, w) for pair, w in weights.items()]
            )
        clusters.cluster(engine, cut=cut)
        return [label for (label,) in engine.execute("select cluster from clusters order by row").fetchall()]


def agglomerated(weights: Weights, records: int, hard_ids: dict[int, str], cut: float) -> list[int]:
    """Merge the two clusters of the highest mean weight, one after the other."""
    groups = [{n} for n in range(records)]

    def mean(a: set[int], b: set[int]) -> float:
        scored = [weights.get((min(x, y), max(x, y)), clusters.FLOOR) for x in a for y in b]
        return sum(min(w, clusters.CEILING) - clusters.FLOOR for w in scored) / len(scored)

    def allowed(a: set[int], b: set[int]) -> bool:
        return len({hard_ids[n] for n in a | b if n in hard_ids}) < 2

    while True:
        pairs = [
            (mean(a, b), -nth, a, b)
            for nth, (a, b) in enumerate((a, b) for i, a in enumerate(groups) for b in groups[i + 1 :])
            if allowed(a, b)
        ]
        best = max(pairs, default=(0.0, 0, set(), set()))
        if best[0] <= cut - clusters.FLOOR + 1e-9:
            break
        groups = [group for group in groups if group not in (best[2], best[3])] + [best[2] | best[3]]
    return [min(next(group for group in groups if n in group)) for n in range(records)]


@pytest.mark.parametrize("seed", range(12))
def test_mutual_best_merges_come_to_what_one_merge_at_a_time_comes_to(seed: int) -> None:
    chance = random.Random(seed)
    records = 30
    pairs = {(min(a, b), max(a, b)) for a, b in (chance.sample(range(records), 2) for _ in range(90))}
    weights = dict(zip(sorted(pairs), chance.sample(range(-990, 8000), len(pairs)), strict=True))  # all different
    scaled = {pair: weight / 1000 for pair, weight in weights.items()}
    hard_ids = {n: chance.choice("xyz") for n in range(0, records, 5)} if seed % 2 else {}
    capped = {pair: weight for pair, weight in scaled.items() if weight < clusters.CEILING}
    cut = chance.choice([0.0, 1.0, 2.0])
    assert clustered(capped, records, hard_ids, cut) == agglomerated(capped, records, hard_ids, cut)


def test_one_strong_pair_does_not_join_two_groups_that_disagree() -> None:
    left, right = range(4), range(4, 8)
    weights = {(a, b): 5.0 for group in (left, right) for a in group for b in group if a < b}
    assert clustered(weights | {(3, 4): 4.0}, 8, {}, 0.0) == [0] * 4 + [4] * 4


def test_two_ids_of_record_never_lie_in_one_cluster() -> None:
    weights = {(0, 1): 6.0, (1, 2): 5.0, (0, 2): 5.0}
    labels = clustered(weights, 3, {0: "x", 2: "y"}, 0.0)
    assert labels[0] == labels[1] != labels[2]
