"""The DuckDB that one matching works in: its own, in memory, gone when the matching is over.

What does not fit into memory is written aside, into the system's folder of temporary files: with `GTM_KEYS` it is
encrypted there, and where that cannot be done nothing is matched.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from gtm_platform.lake.encryption import equip

Engine = duckdb.DuckDBPyConnection


@contextmanager
def matching_engine(memory_limit: str = "4GB") -> Iterator[Engine]:
    """Open an engine of its own; what does not fit into memory spills into a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="matching-") as folder, duckdb.connect() as engine:
        engine.execute("set preserve_insertion_order = false")  # what depends on an order sorts
        engine.execute("set enable_progress_bar = false")
        engine.execute(f"set memory_limit = '{memory_limit}'")
        engine.execute(f"set temp_directory = '{folder}'")
        equip(engine)
        yield engine


def number_of(engine: Engine, sql: str) -> float:
    """Return the one number that a query comes to; 0 where it is null."""
    row = engine.execute(sql).fetchone()
    return float(row[0]) if row and row[0] is not None else 0.0
