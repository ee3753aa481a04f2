"""Rows computed outside of an engine, for rules that no engine can express, made readable to every engine.

They lie in a file of the process's spill folder, which goes with the process; tables of the lake are written elsewhere.
"""

import secrets
from collections.abc import Iterable

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
        with cursor() as connection:
            reader = pa.RecordBatchReader.from_batches(columns, (batch.cast(columns) for batch in batches))
            connection.register("rows_to_spill", reader.__arrow_c_stream__())
            connection.execute(f"copy (from rows_to_spill) to '{path}' ({written_form(path, 'format parquet')})")
        return files_as_table([path], schema)
    with pq.ParquetWriter(path, columns) as writer:
        for batch in batches:
            writer.write_batch(batch.cast(columns))
    return files_as_table([path], schema)
