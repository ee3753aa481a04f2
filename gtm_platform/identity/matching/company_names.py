"""Companies by their names alone: the best match of each left name among the right ones. Linear in the names.

A name is compared by its pieces of two and three letters, each weighed by how rare it is among the right names, so that
"Software" counts little without a list of such words; and by its spelling, with its words in any order, and without its
legal form.
"""

from collections.abc import Sequence

import pyarrow as pa

from gtm_platform.identity.matching.clusters import FLOOR, cluster
from gtm_platform.identity.matching.engine import Engine, matching_engine, number_of
from gtm_platform.identity.matching.linker import Progress
from gtm_platform.identity.matching.normal_forms import company_words, transliterated, without_legal_form

LARGEST_BLOCK = 50  # right names that may share a key
RAREST = 10  # of a name's frequent pieces, those whose pairs are keys
KEPT = 20  # right names that share most with a left one, which are compared
LEGAL_FORM = 0.2  # of the spelling, what the name with its legal form counts: X Ltd and X PLC may be two
BARE = 0.9  # the least similarity of names that differ in their legal form alone
SAME, REVIEW = 0.9, 0.7  # similarity from which two names are taken for one, and from which a person should look

STEEPNESS = 20  # weight, as the clustering of records has it, for each whole step of similarity


def best_matches(left: Sequence[str], right: Sequence[str], *, progress: Progress = lambda _: None) -> pa.Table:
    """Return [left, right, similarity]: of each left name the right one most like it.

    Names are numbered from 0 as they come; similarity is 0 to 1. A left name that shares no piece with any right one
    has no row.
    """
    with matching_engine() as engine:
        _compare(engine, left, right, progress)
        return engine.execute("""
            select l as left, arg_max(r, (similarity, -r)) as right, max(similarity) as similarity
            from compared group by l order by l
        """).to_arrow_table()


def similar_names(names: Sequence[str], *, least: float) -> pa.Table:
    """Return [left, right, similarity] of names that are alike, each pair once, by their places."""
    with matching_engine() as engine:
        _compare(engine, names, names, lambda _: None)
        return engine.execute(f"""
            select least(l, r) as left, greatest(l, r) as right, max(similarity) as similarity
            from compared where l <> r group by 1, 2 having similarity >= {least} order by 1, 2
        """).to_arrow_table()


def clusters_of(names: Sequence[str], *, least: float = SAME, progress: Progress = lambda _: None) -> pa.Table:
    """Return [row, cluster, similarity] of names that mean the same company.

    The least row names a cluster. Its names are alike on the whole, not only each to some other; `similarity` is to the
    name most like it.
    """
    with matching_engine() as engine:
        _compare(engine, names, names, progress)
        engine.execute(f"""
            create table records as select range::int as row, null::varchar as hard_id from range({len(names)});
            create table weighed_pairs as
            select least(l, r) as a, greatest(l, r) as b, max(similarity - {least}) * {STEEPNESS} as weight
            from compared where l <> r group by 1, 2 having weight > {FLOOR}
        """)
        cluster(engine)
        return engine.execute("""
            select c.row, c.cluster, max(similarity) as similarity
            from clusters c
            left join (compared join clusters o on o.row = r) on l = c.row and o.cluster = c.cluster and l <> r
            group by all order by 1
        """).to_arrow_table()


def _compare(engine: Engine, left: Sequence[str], right: Sequence[str], progress: Progress) -> None:
    """Make `compared` [l, r, similarity]."""
    for side, names in (("left", left), ("right", right)):
        _load(engine, side, names)
    progress(f"{len(left):,} names against {len(right):,}")
    _weigh_pieces(engine, len(right))
    _propose(engine)
    progress(f"{int(number_of(engine, 'select count(*) from candidates')):,} pairs to compare")
    _score(engine)


# Both sides have `names_…` [id, whole, text, solid, ordered] and `pieces_…` [id, piece, names, weight].


def _load(engine: Engine, side: str, names: Sequence[str]) -> None:
    texts = transliterated(pa.chunked_array([pa.array(names, pa.string())]))
    engine.register("raw_names", pa.table({"id": pa.array(range(len(names)), pa.int32()), "name": texts}))
    engine.execute(f"""
        create table names_{side} as
        select id, whole, ' ' || whole || ' ' as text, replace(bare, ' ', '') as solid,
               array_to_string(list_sort(string_split(bare, ' ')), ' ') as ordered
        from (
            select id, whole, {without_legal_form("whole")} as bare
            from (select id, {company_words("name")} as whole from raw_names)
        )
        where bare <> ''
    """)
    engine.unregister("raw_names")
    pieces = " , ".join(
        f"list_transform(range(1, length(text) - {length - 2}), lambda i: substr(text, i, {length}))"
        for length in (2, 3)
    )
    engine.execute(f"""
        create table spelt_{side} as
        select id, hash(piece) as piece
        from (select id, unnest(list_distinct(list_concat({pieces}))) as piece from names_{side})
        where trim(piece) <> ''
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
        length = f"select id, sqrt(sum(weight * weight)) as length from pieces_{side} group by id"
        engine.execute(f"create table lengths_{side} as {length}")


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


def _score(engine: Engine) -> None:
    engine.execute("""
        create table cosines as
        select c.l, c.r, least(1, sum(x.weight * y.weight) / (any_value(a.length) * any_value(b.length))) as cosine
        from candidates c join pieces_left x on x.id = c.l join pieces_right y on y.id = c.r and y.piece = x.piece
        join lengths_left a on a.id = c.l join lengths_right b on b.id = c.r
        group by c.l, c.r
    """)
    whole, solid, ordered = (
        f"(1 - levenshtein(x.{way}, y.{way}) / greatest(length(x.{way}), length(y.{way}), 1)::double)"
        for way in ("whole", "solid", "ordered")
    )
    spelling = f"(1 - {LEGAL_FORM}) * greatest({solid}, {ordered}) + {LEGAL_FORM} * {whole}"
    engine.execute(f"""
        create table compared as
        select l, r, round(greatest((cosine + {spelling}) / 2, if(x.solid = y.solid, {BARE}, 0)), 9) as similarity
        from cosines join names_left x on x.id = l join names_right y on y.id = r
    """)
