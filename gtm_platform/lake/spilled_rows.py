"""Rows computed outside of an engine, for rules that no engine can express, made readable to every engine.

They lie in a file of the process's spill folder, which goes with the process; tables of the lake are written elsewhere.
"""

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from gtm_platform.lake import spill
from gtm_platform.lake.duckdb_engine import cursor, files_as_table
from gtm_platform.lake.encrypted_files import key_of, scratch_name, written_form


def spilled(batches: Iterable[pa.RecordBatch], schema: ibis.Schema) -> ibis.Table:
    """Write the rows aside as they come, and return them as a table that expressions can be made of."""
    folder = spill.folder()
    folder.mkdir(exist_ok=True)
    path = folder / scratch_name(f"rows-{secrets.token_hex(8)}")
    columns = schema.to_pyarrow()
    if key_of(path):
        _encrypt(batches, columns, path)
        return files_as_table([path], schema)
    with pq.ParquetWriter(path, columns) as writer:
        for batch in batches:
            writer.write_batch(batch.cast(columns))
    return files_as_table([path], schema)


def _encrypt(batches: Iterable[pa.RecordBatch], columns: pa.Schema, path: Path) -> None:
    """Let the engine write the rows: nothing else reads what it encrypts, and it nothing that others do."""
    failures: list[BaseException] = []

    def in_columns() -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches:
                yield batch.cast(columns)
        except BaseException as error:
            failures.append(error)  # the engine hides what went wrong while it was reading
            raise

    with cursor() as connection:
        connection.register(
            "rows_to_spill", pa.RecordBatchReader.from_batches(columns, in_columns()).__arrow_c_stream__()
        )
        try:
            connection.execute(f"copy (from rows_to_spill) to '{path}' ({written_form(path, 'format parquet')})")
        except duckdb.Error:
            if failures:
                raise failures[0] from None
            raise
