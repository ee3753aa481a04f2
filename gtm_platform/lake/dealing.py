"""Many new partitions of a source table at once: rows are dealt to them in one pass, and all files checked together.

A partition written by itself is compiled, copied and checked by itself, which takes far longer than its few rows do.
"""

import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import ibis

from gtm_platform.lake.contract_check import Written, check_files
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.encrypted_files import file_name, key_of, rows_of_files, scratch_name, written_form
from gtm_platform.lake.lake import DICTIONARY_SIZE, GRACE, SOURCE_ROW_GROUP_SIZE, Lake
from gtm_platform.lake.storage_errors import storage_errors

SIDE_BY_SIDE = 50  # files that the engine writes at once, each with a row group in memory
DRAFTS = ".deal."


@dataclass(frozen=True)
class Share:
    """What a partition gets: the rows from an instant on and before another, stamped with the other."""

    partition: str
    start: datetime
    end: datetime


def deal(lake: Lake, table: str, rows: ibis.Table, by: str, shares: Sequence[Share]) -> Mapping[str, Written]:
    """Write the rows of a view to partitions that have no file yet, by the instants in a column."""
    with _drafts(lake.root / table) as drafts:
        for first in range(0, len(shares), SIDE_BY_SIDE):
            _write(table, rows, by, shares[first : first + SIDE_BY_SIDE], drafts)
        empty = drafts / scratch_name("empty")
        _copy(f"select {_columns(table, 'now()')} from {_name(rows)} limit 0", empty)
        files = {share.partition: _file_of(drafts, share.partition, empty) for share in shares}
        span = f"{table} {shares[0].partition} to {shares[-1].partition}"
        check_files(span, contract_of(table), list(files.values()))
        counts = _row_counts(files.values())
        for partition, draft in files.items():
            stamp = f"{time.time_ns():020d}{secrets.token_hex(2)}"
            target = lake.root / table / file_name(f"{partition}.{stamp}", "part", key_of(draft))
            lake.store.publish(draft, target)
        return {partition: Written(counts[str(draft)]) for partition, draft in files.items()}


@contextmanager
def _drafts(folder: Path) -> Iterator[Path]:
    """A folder beside the files for as long as the context lasts; those of runs that died are swept."""
    for old in folder.glob(f"{DRAFTS}*"):
        if time.time() - old.stat().st_mtime > GRACE:
            shutil.rmtree(old, ignore_errors=True)
    drafts = folder / f"{DRAFTS}{secrets.token_hex(8)}"
    drafts.mkdir(parents=True)
    try:
        yield drafts
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


def _write(table: str, rows: ibis.Table, by: str, shares: Sequence[Share], drafts: Path) -> None:
    values = ", ".join(f"('{share.partition}', {_instant(share.start)}, {_instant(share.end)})" for share in shares)
    query = f"""select {_columns(table, "ends")}, share from {_name(rows)}
        join (values {values}) as shares(share, begins, ends) on "{by}" >= begins and "{by}" < ends"""
    name = scratch_name("data_{i}")
    pattern = f", filename_pattern '{name.removesuffix('.parquet')}'"
    _copy(query, drafts, named=name, more=f", partition_by (share), overwrite_or_ignore{pattern}")


def _copy(query: str, target: Path, named: str = "", more: str = "") -> None:
    """Write rows to a file, or to a folder with files that are named alike."""
    form = f"format parquet, compression zstd, row_group_size {SOURCE_ROW_GROUP_SIZE}"
    form = written_form(target / named, f"{form}, dictionary_size_limit {DICTIONARY_SIZE}{more}")
    with cursor() as connection, storage_errors(target):
        connection.execute(f"copy ({query}) to '{target}' ({form})")


def _file_of(drafts: Path, partition: str, empty: Path) -> Path:
    """The one file of a partition: what the engine wrote in parts is joined, and nothing is an empty file."""
    parts = sorted((drafts / f"share={partition}").glob("*.parquet"))
    if len(parts) == 1:
        return parts[0]
    joined = drafts / scratch_name(partition)
    if parts:
        _copy(f"select * from {rows_of_files(parts, 'hive_partitioning = false')}", joined)
    else:
        shutil.copyfile(empty, joined)
    return joined


def _row_counts(files: Iterable[Path]) -> dict[str, int]:
    paths = [str(file) for file in files]
    query = f"select file_name, num_rows from parquet_file_metadata({paths})"
    if any(map(key_of, paths)):  # of an encrypted file the engine tells no metadata
        rows = rows_of_files(paths, "hive_partitioning = false, filename = true")
        query = f"select filename, count(*) from {rows} group by all"
    with cursor() as connection:
        return dict.fromkeys(paths, 0) | dict(connection.execute(query).fetchall())


def _columns(table: str, window: str) -> str:
    """The table's columns, with the end of the window in place of what stands there."""
    columns = contract_of(table).columns
    return ", ".join(f'{window} as "_window"' if name == "_window" else f'"{name}"' for name in columns)


def _name(rows: ibis.Table) -> str:
    return f'"{rows.get_name()}"'


def _instant(moment: datetime) -> str:
    return f"timestamptz '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00}'"
