"""Whether a key is there twice, found out in little memory."""

from collections.abc import Sequence

import ibis

from gtm_platform.lake.engine import cursor, engine, quoted, value

COMPARED = 1_000_000  # keys compared with each other at a time


def repeated(table: ibis.Table, key: Sequence[str]) -> int:
    """How many rows have a key that another has, too."""
    if not _alike(table, key):
        return 0
    whole = table[key[0]] if len(key) == 1 else ibis.struct({name: table[name] for name in key})
    return int(value(table.count() - whole.nunique()))


def _alike(table: ibis.Table, key: Sequence[str]) -> bool:
    """Whether any two keys may be the same: their hashes are, which take a tenth of the room and of the time."""
    parts = 1 << (int(value(table.count())) // COMPARED).bit_length()
    hashed = f"select hash({quoted(key)}) as hashed from ({engine().compile(table.select(*key))})"
    twice = f"select count(*) > count(distinct hashed) from ({hashed}) where hashed % {parts} = ?"
    with cursor() as connection:
        found = [connection.execute(twice, [nth]).fetchone() for nth in range(parts)]
    return any(told for row in found for told in row or ())
