"""Rows computed outside of an engine, for rules that no engine can express, made readable to every engine.

They lie in a file of the process's spill folder, which goes with the process; tables of the lake are written elsewhere.
"""

import secrets
from collections.abc import Iterable

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from gtm_platform.lake import spill
from gtm_platform.lake.duckdb_engine import files_as_table


def spilled(batches: Iterable[pa.RecordBatch], schema: ibis.Schema) -> ibis.Table:
    """Write the rows aside as they come, and return them as a table that expressions can be made of."""
    folder = spill.folder()
    folder.mkdir(exist_ok=True)
    path = folder / f"rows-{secrets.token_hex(8)}.parquet"
    columns = schema.to_pyarrow()
    with pq.ParquetWriter(path, columns) as writer:
        for batch in batches:
            writer.write_batch(batch.cast(columns))
    return files_as_table([path], schema)
