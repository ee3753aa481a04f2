"""Whether a file is what its contract promises: counts of what breaks it, and keys that are not unique.

In plain SQL: every file is asked before it counts, and expressions take longer to compile than most files to be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis

from gtm_platform.lake.contracts import Contract, ContractBroken
from gtm_platform.lake.duckdb_engine import cursor, files_as_table
from gtm_platform.lake.encrypted_files import rows_of_files
from gtm_platform.lake.file_query import quoted

KEYS_PER_PASS = 1_000_000  # keys compared with each other at a time
Origins = Mapping[str, frozenset[tuple[str, str]]]  # of each column: the tables and columns that it is made of


@dataclass(frozen=True)
class Part:
    """Of how many customers the rows of a day were computed anew, and how many customers it has."""

    computed: int
    customers: int


@dataclass(frozen=True)
class Written:
    """What was written of a table: rows, figures, and of which columns its own are made, if known.

    It `is_new` unless the file that was stored holds just this. Of one that was made in part, `part` says how large.
    `reads` are the columns that were read of each query by its name, if known.
    """

    rows: int
    figures: Mapping[str, Any] = field(default_factory=dict)
    lineage: Origins = field(default_factory=dict)
    is_new: bool = True
    part: Part | None = None
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)


def check_file(subject: str, contract: Contract, path: Path) -> Written:
    """Measure a file, or raise what breaks the contract and in how many rows."""
    return check_files(subject, contract, [path])


def check_files(subject: str, contract: Contract, paths: Sequence[Path]) -> Written:
    """Measure files together, of which no two have a row with the same key."""
    table = files_as_table(paths, contract.schema)
    with cursor() as connection:
        result = connection.execute(contract.measured(table.get_name()))
        names = [column[0] for column in result.description]
        measures = dict(zip(names, result.fetchone() or (), strict=True))
    measures["broken: duplicate keys"] = duplicate_count(table, contract.key)
    return judged(subject, contract, measures)


def judged(subject: str, contract: Contract, measures: Mapping[str, Any]) -> Written:
    """Return what either engine measured, or raise what breaks the contract and in how many rows."""
    broken = {name.removeprefix("broken: "): n for name, n in measures.items() if name.startswith("broken: ") and n}
    if broken:
        counts = ", ".join(f"{n}: {rule}" for rule, n in broken.items())
        raise ContractBroken(f"{subject}: of {measures['rows']} rows, {counts}")
    return Written(measures["rows"], {name: value for name, value in measures.items() if name in contract.figures})


def same_rows(first: Sequence[Path], second: Sequence[Path]) -> bool:
    """Whether two files, in one part or in many, have the same columns and rows, in whatever order."""
    return _digest(first) == _digest(second)


def _digest(paths: Sequence[Path]) -> tuple[object, ...]:
    """The columns of a file, its count of rows, and two sums over what its rows hash to."""
    rows = f"from {rows_of_files(paths)}"
    sums = f"select count(*), bit_xor(hashed), sum(hashed) from (select hash(*columns(*)) as hashed {rows})"
    with cursor() as connection:
        return connection.execute(f"describe {rows}").fetchall(), connection.execute(sums).fetchone()


def row_count(table: ibis.Table) -> int:
    """Count the rows of a view of the engine."""
    return _number(f'select count(*) from "{table.get_name()}"')


def duplicate_count(table: ibis.Table, key: Sequence[str]) -> int:
    """Count the rows of a view whose key another row has, too, in little memory."""
    rows, view = row_count(table), table.get_name()
    parts = 1 << (rows // KEYS_PER_PASS).bit_length()
    # Hashes take a tenth of the room and of the time; only where two are the same, keys may be.
    hashed = f'select hash({quoted(key)}) as hashed from "{view}"'
    different = f"select count(distinct hashed) from ({hashed})"
    if sum(_number(f"{different} where hashed % {parts} = {part}") for part in range(parts)) == rows:
        return 0
    return rows - _number(f'select count(*) from (select distinct {quoted(key)} from "{view}")')


def _number(query: str) -> int:
    with cursor() as connection:
        return int((connection.execute(query).fetchone() or (0,))[0])
