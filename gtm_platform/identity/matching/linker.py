"""Linking records: from a table and the roles of its columns to clusters, with the pairs that speak for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gtm_platform.identity.matching.blocking import block
from gtm_platform.identity.matching.clusters import FLOOR, cluster
from gtm_platform.identity.matching.comparison import ComparedColumn, comparison_of
from gtm_platform.identity.matching.engine import Engine, matching_engine, number_of
from gtm_platform.identity.matching.model import SAME, Floats, Model, PairSample, learn, weight_of
from gtm_platform.identity.matching.records import compare, load
from gtm_platform.identity.matching.roles import Role

SAMPLE = 150_000  # candidates that the model learns from
RANDOM_PAIRS = 200_000  # pairs from which the chance of a likeness between strangers is counted
STEPS = 1_000_000  # steps of a share, for a sample that does not depend on an order

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Linked:
    """Which records are one, and how sure that is."""

    clusters: pa.Table  # key, cluster (the least key in it), probability (of the surest pair; null for one alone)
    pairs: pa.Table  # left, right (keys), probability, same (both in one cluster)
    candidates: int = 0
    importance: dict[str, float] = field(default_factory=dict)  # of each column: bits that equality speaks for a match


def link(
    records: pa.Table,
    roles: Mapping[str, Role],
    *,
    cut: float = 0.0,
    sample: int = SAMPLE,
    memory_limit: str = "4GB",
    progress: Progress = lambda _: None,
) -> Linked:
    """Link the rows of a table that describe the same person.

    The columns of the roles are texts; `key` names each row; where there is `side`, only rows of different sides are
    compared; of a `hard_id` a cluster holds one value only. `cut` is the mean weight (log odds) at which clusters
    merge: 0 is the most likely answer, 2 a cautious one. `sample` is how many pairs the model learns
    from. The same rows give the same answer, in whatever order.
    """
    with matching_engine(memory_limit) as engine:
        two_sides = "side" in records.column_names
        role_of = load(engine, records, roles)
        progress(f"{len(records):,} records")
        candidates = block(engine, role_of, two_sides=two_sides)
        progress(f"{candidates:,} pairs to compare")
        columns = compare(engine, role_of)
        model = _learn(engine, columns, candidates, sample, two_sides=two_sides) if candidates else None
        _weigh(engine, model)
        progress(f"{int(number_of(engine, 'select count(*) from weighed_pairs')):,} pairs that may be the same")
        cluster(engine, cut=cut)
        progress(f"{int(number_of(engine, 'select count(distinct cluster) from clusters')):,} clusters")
        return Linked(
            _clusters(engine), _pairs(engine), candidates, _bits(model, dict(zip(role_of, roles, strict=True)))
        )


def _learn(
    engine: Engine, columns: Sequence[ComparedColumn], candidates: int, sample: int, *, two_sides: bool
) -> Model:
    records = int(number_of(engine, "select count(*) from records"))
    all_pairs = records * (records - 1) / 2
    if two_sides:
        within = "select sum(n * (n - 1) / 2) from (select count(*) as n from records group by side)"
        all_pairs -= number_of(engine, within)
    share = max(1, STEPS * sample // max(candidates, sample))
    engine.execute(f"create view sampled_pairs as select * from pairs where hash(a, b) % {STEPS} < {share}")
    pairs = _read(engine, columns, "sampled_pairs", in_order=True)
    chance = _chance(engine, columns, records)
    return learn(columns, chance, pairs, sampled_of=candidates, records=records, all_pairs=all_pairs)


def _read(engine: Engine, columns: Sequence[ComparedColumn], pairs: str, *, in_order: bool = False) -> PairSample:
    """Read compared pairs into arrays; in order, as sums of floats depend on it."""
    rows = engine.execute(comparison_of(pairs, columns) + (" order by a, b" if in_order else "")).fetchnumpy()
    names = [column.name for column in columns]
    return PairSample(
        {name: np.asarray(rows[f"level_{name}"], dtype=np.int64) for name in names},
        {name: np.asarray(rows[f"share_{name}"], dtype=np.float64) for name in names},
    )


def _chance(engine: Engine, columns: Sequence[ComparedColumn], records: int) -> dict[str, Floats]:
    """Return how likely each level is between strangers: equality from the shares, the others from random pairs."""
    draws = ", ".join(f"(hash(i, {side}) % {records})::int as {name}" for side, name in ((1, "a"), (2, "b")))
    engine.execute(
        f"create table random_pairs as select * from (select {draws} from range({RANDOM_PAIRS}) t(i)) where a <> b"
    )
    drawn = _read(engine, columns, "random_pairs")
    swapped = [column.name for column in columns if column.swapped]
    chance = {}
    for column in columns:
        levels = drawn.levels[column.name]
        counts = np.bincount(levels[levels >= 0], minlength=column.top + 1) + 0.5
        equal = number_of(engine, _equal_by_chance(column.name))
        equal = min(max(equal, 1e-12), 1 - 1e-6)
        likely = np.append(counts[:-1] / counts[:-1].sum() * (1 - equal), equal)
        if column.swapped:
            likely[-2] = number_of(engine, _swapped_by_chance(*swapped)) + 1e-9
            likely /= likely.sum()
        chance[column.name] = likely
    return chance


def _equal_by_chance(name: str) -> str:
    """Return the SQL of how likely two values of a column are equal; of whole numbers, whose sum has no order."""
    counted = f"(select count(*)::hugeint as n from weighed_records where {name} is not null group by {name})"
    return f"select sum(n * n)::double / (sum(n) * sum(n))::double from {counted}"


def _swapped_by_chance(first: str, second: str) -> str:
    """Return the SQL of how likely a value of the one column stands in the other one of a stranger."""

    def counted(name: str) -> str:
        return f"(select {name} as value, count(*) as n from weighed_records where {name} is not null group by 1)"

    pairs = f"(select count({first})::double * count({second}) from weighed_records)"
    return (
        f"select sum(x.n * y.n) / greatest({pairs}, 1) from {counted(first)} x join {counted(second)} y using (value)"
    )


def _weigh(engine: Engine, model: Model | None) -> None:
    """Make `weighed_pairs` [a, b, weight] of the pairs above the floor; memory follows the matches, not the pairs."""
    if model is None:
        engine.execute("create table weighed_pairs (a integer, b integer, weight double)")
        return
    engine.execute(f"""
        create table weighed_pairs as
        select a, b, weight from (
            select a, b, {weight_of(model)} as weight from ({comparison_of("pairs", model.columns)})
        ) where weight > {FLOOR}
    """)


PROBABILITY = "1 / (1 + exp(-weight))"


def _clusters(engine: Engine) -> pa.Table:
    return engine.execute(f"""
        with inside as (
            select a, b, {PROBABILITY} as probability
            from weighed_pairs join clusters x on x.row = a join clusters y on y.row = b where x.cluster = y.cluster
        ),
        surest as (
            select row, max(probability) as probability
            from (select a as row, probability from inside union all select b, probability from inside) group by row
        )
        select r.key, c.key as cluster, probability
        from clusters join records r using (row) join records c on c.row = clusters.cluster left join surest using (row)
        order by r.row
    """).to_arrow_table()


def _pairs(engine: Engine) -> pa.Table:
    return engine.execute(f"""
        select l.key as left, r.key as right, {PROBABILITY} as probability, x.cluster = y.cluster as same
        from weighed_pairs join records l on l.row = a join records r on r.row = b
        join clusters x on x.row = a join clusters y on y.row = b
        order by a, b
    """).to_arrow_table()


def _bits(model: Model | None, column_of: Mapping[str, str]) -> dict[str, float]:
    """Return of each column how many bits equality speaks for a match, on the whole."""
    if model is None:
        return {}
    same, chance = model.classes[SAME], model.chance
    return {
        column_of.get(name, name): float(np.log2(same[name][-1] / chance[name][-1]))
        for name in (column.name for column in model.columns)
    }
