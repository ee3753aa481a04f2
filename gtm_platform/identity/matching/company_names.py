"""Companies by their names alone: the best match of each left name among the right ones. Linear in the names.

A name is compared by its pieces of two and three letters, each weighed by how rare it is among the right names, so that
a legal form or "Software" counts little without a list of such words; and by its spelling, with its words in any order.
"""

from collections.abc import Sequence

import pyarrow as pa

from gtm_platform.identity.matching.engine import Engine, matching_engine
from gtm_platform.identity.matching.linker import Progress
from gtm_platform.identity.matching.normal_forms import transliterated

LARGEST_BLOCK = 50  # right names that may share a key
RAREST = 10  # of a name's frequent pieces, those whose pairs are keys
KEPT = 20  # right names that share most with a left one, which are compared
SAME, REVIEW = 0.9, 0.7  # similarity from which two names are taken for one, and from which a person should look


def best_matches(
    left: Sequence[str],
    right: Sequence[str],
    *,
    memory_limit: str = "4GB",
    progress: Progress = lambda _: None,
) -> pa.Table:
    """Return [left, right, similarity]: of each left name the right one most like it, by their places; 0 to 1.

    A left name that shares no piece with any right one has no row.
    """
    with matching_engine(memory_limit) as engine:
        for side, names in (("left", left), ("right", right)):
            _load(engine, side, names)
        progress(f"{len(left):,} names against {len(right):,}")
        _weigh_pieces(engine, len(right))
        _propose(engine)
        progress("candidates proposed")
        return _best(engine)


# Both sides have `names_…` [id, text, solid, ordered] and `pieces_…` [id, piece, names, weight].


def _load(engine: Engine, side: str, names: Sequence[str]) -> None:
    texts = transliterated(pa.chunked_array([pa.array(names, pa.string())]))
    engine.register("raw_names", pa.table({"id": pa.array(range(len(names)), pa.int32()), "name": texts}))
    dots = "regexp_replace(lower(name), '\\b([a-z])\\.', '\\1', 'g')"  # S.A. is sa
    conjunctions = f"regexp_replace({dots}, '&|\\+', ' and ', 'g')"
    engine.execute(f"""
        create table names_{side} as
        select id, ' ' || words || ' ' as text, replace(words, ' ', '') as solid,
               array_to_string(list_sort(string_split(words, ' ')), ' ') as ordered
        from (select id, trim(regexp_replace({conjunctions}, '[^a-z0-9]+', ' ', 'g')) as words from raw_names)
        where words <> ''
    """)
    engine.unregister("raw_names")
    pieces = " , ".join(
        f"list_transform(range(1, length(text) - {length - 2}), lambda i: substr(text, i, {length}))" for length in (2, 3)
    )
    engine.execute(f"""
        create table spelt_{side} as
        select id, hash(piece) as piece
        from (select id, unnest(list_distinct(list_concat({pieces}))) as piece from names_{side}) where trim(piece) <> ''
    """)


def _weigh_pieces(engine: Engine, right_names: int) -> None:
    """Weigh each piece by its rarity on the right; one that the right lacks still counts in the length of the left."""
    engine.execute(f"""
        create table weights as
        select piece, count(*) as names, ln(1 + {right_names} / count(*)::double) as weight
        from spelt_right group by piece
    """)
    for side in ("left", "right"):
        engine.execute(f"""
            create table pieces_{side} as
            select id, piece, coalesce(names, 0) as names, coalesce(weight, ln(1 + {right_names}::double)) as weight
            from spelt_{side} left join weights using (piece)
        """)
        engine.execute(
            f"create table lengths_{side} as select id, sqrt(sum(weight * weight)) as length from pieces_{side} group by id"
        )


def _propose(engine: Engine) -> None:
    """Make `candidates` [l, r]: who share a rare piece, or two of their rarest frequent ones."""
    for side in ("left", "right"):
        engine.execute(f"""
            create table frequent_{side} as select id, piece, weight from pieces_{side} where names > {LARGEST_BLOCK}
            qualify row_number() over (partition by id order by names, piece) <= {RAREST}
        """)
        engine.execute(f"""
            create table keys_{side} as
            select id, piece as key, weight from pieces_{side} where names between 1 and {LARGEST_BLOCK}
            union all
            select a.id, hash(a.piece, b.piece), a.weight + b.weight
            from frequent_{side} a join frequent_{side} b on a.id = b.id and a.piece < b.piece
        """)
    engine.execute(f"""
        create table candidates as
        select l, r from (
            select x.id as l, y.id as r, sum(round(1000 * x.weight)::bigint) as shared
            from keys_left x join (
                select keys_right.* from keys_right
                semi join (select key from keys_right group by key having count(*) <= {LARGEST_BLOCK}) using (key)
            ) y using (key)
            group by 1, 2
        )
        qualify row_number() over (partition by l order by shared desc, r) <= {KEPT}
    """)


def _best(engine: Engine) -> pa.Table:
    engine.execute("""
        create table compared as
        select c.l, c.r, least(1, sum(x.weight * y.weight) / (any_value(a.length) * any_value(b.length))) as cosine
        from candidates c join pieces_left x on x.id = c.l join pieces_right y on y.id = c.r and y.piece = x.piece
        join lengths_left a on a.id = c.l join lengths_right b on b.id = c.r
        group by c.l, c.r
    """)
    spelling = " , ".join(
        f"1 - levenshtein(x.{way}, y.{way}) / greatest(length(x.{way}), length(y.{way}), 1)::double"
        for way in ("solid", "ordered")
    )
    return engine.execute(f"""
        with scored as (
            select l, r, round((cosine + greatest({spelling})) / 2, 9) as similarity
            from compared join names_left x on x.id = l join names_right y on y.id = r
        )
        select l as left, arg_max(r, (similarity, -r)) as right, max(similarity) as similarity
        from scored group by l order by l
    """).to_arrow_table()
