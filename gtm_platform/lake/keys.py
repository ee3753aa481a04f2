"""Whether a key of a reading is there twice, found out in little memory. In plain SQL: it is asked of everything that
is read or written, and expressions take longer to be compiled than most of that to be looked at.
"""

from collections.abc import Sequence

import ibis

from gtm_platform.lake.duckdb_engine import cursor, quoted

COMPARED = 1_000_000  # keys compared with each other at a time


def counted(reading: ibis.Table) -> int:
    return _number(f'select count(*) from "{reading.get_name()}"')


def duplicate_count(reading: ibis.Table, key: Sequence[str]) -> int:
    """How many rows have a key that another has, too."""
    rows, view = counted(reading), reading.get_name()
    parts = 1 << (rows // COMPARED).bit_length()
    # Hashes take a tenth of the room and of the time; only where two are the same, keys may be.
    hashed = f'select hash({quoted(key)}) as hashed from "{view}"'
    different = f"select count(distinct hashed) from ({hashed})"
    if sum(_number(f"{different} where hashed % {parts} = {nth}") for nth in range(parts)) == rows:
        return 0
    return rows - _number(f'select count(*) from (select distinct {quoted(key)} from "{view}")')


def _number(query: str) -> int:
    with cursor() as connection:
        return int((connection.execute(query).fetchone() or (0,))[0])
