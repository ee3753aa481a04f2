"""Clusters of records by average linkage: two clusters become one where their pairs agree on the whole.

Connected components would let one wrong pair join two people, the more often the more records there are. Here each
cluster points at the one that it fits best, and who point at each other merge, all at once, until none is left: what
agglomerative clustering by average comes to, in a few rounds over whole tables.
"""

from gtm_platform.identity.matching.engine import Engine, number_of

FLOOR = -1.0  # the weight of a pair that is not there, and of every weaker one, which is not kept
CEILING = 6.0  # a weight beyond it counts no more than this: certainty is not outvoted by plenty
SCALE = 1000  # weights are added as whole numbers, so that a sum does not depend on an order


def cluster(engine: Engine, *, cut: float = 0.0) -> None:
    """Make `clusters` [row, cluster] of `records` and of `weighed_pairs` [a, b, weight].

    Clusters merge where their mean weight is above the cut. Of a `hard_id` of the records, where they have one, a
    cluster holds one value only. The least row of a cluster names it.
    """
    engine.execute(f"""
        create table edges as select a, b, round((least(weight, {CEILING}) - {FLOOR}) * {SCALE})::bigint as weight
        from weighed_pairs
    """)
    engine.execute("create table sizes as select row, 1::bigint as size, hard_id as low, hard_id as high from records")
    engine.execute("create or replace table clusters as select row, row as cluster from records")
    least = round((cut - FLOOR) * SCALE)
    while _choose_merges(engine, least):
        _merge(engine)
    for table in ("edges", "sizes", "merges"):
        engine.execute(f"drop table {table}")


def _choose_merges(engine: Engine, least: int) -> bool:
    """Make `merges` [a, b] of the clusters that fit each other best; tell whether there is any."""
    engine.execute(f"""
        create or replace table merges as
        with allowed as (
            select e.a, e.b, e.weight::double / (x.size * y.size) as weight
            from edges e join sizes x on x.row = e.a join sizes y on y.row = e.b
            where e.weight > {least} * x.size * y.size
              and coalesce(least(x.low, y.low) = greatest(x.high, y.high), true)
        ),
        both_ways as (select a, b, weight from allowed union all select b, a, weight from allowed),
        best as (select a, arg_max(b, (weight, -b)) as b from both_ways group by a)
        select x.a, x.b from best x join best y on x.a = y.b and x.b = y.a where x.a < x.b
    """)
    return number_of(engine, "select count(*) from merges") > 0


def _merge(engine: Engine) -> None:
    engine.execute("""
        create or replace table sizes as
        select coalesce(m.a, sizes.row) as row, sum(size)::bigint as size, min(low) as low, max(high) as high
        from sizes left join merges m on m.b = sizes.row group by 1
    """)
    engine.execute("""
        create or replace table edges as
        select least(a, b) as a, greatest(a, b) as b, sum(weight)::bigint as weight
        from (
            select coalesce(x.a, e.a) as a, coalesce(y.a, e.b) as b, e.weight
            from edges e left join merges x on x.b = e.a left join merges y on y.b = e.b
        )
        where a <> b group by 1, 2
    """)
    engine.execute("""
        create or replace table clusters as
        select clusters.row, coalesce(m.a, clusters.cluster) as cluster
        from clusters left join merges m on m.b = clusters.cluster
    """)
