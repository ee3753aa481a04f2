"""The quarantine: records that are not what they should be, kept as received with the reason, a table per stream."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa

from gtm_platform.ingest.record import Rejected
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import value
from gtm_platform.lake.lake import Lake


def write_quarantine(
    lake: Lake, table: str, partition: str, window_end: datetime, rejected: Mapping[str, Rejected], run_id: str
) -> None:
    """Write what was rejected, by its digest; none takes what an earlier run rejected out again."""
    if not rejected and not lake.has(table, partition):
        return
    schema = contract_of(table).schema.to_pyarrow()
    rows = [
        {
            "digest": digest,
            "record_id": bad.record_id,
            "reason": bad.reason,
            "payload": bad.raw.decode("utf-8", "replace"),
            "_window": window_end,
            "_extracted_at": datetime.now(UTC),
            "_run_id": run_id,
            "_deleted": False,
        }
        for digest, bad in rejected.items()
    ]
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    lake.write(table, partition, pa.RecordBatchReader.from_batches(schema, [batch]))


def quarantined_since(lake: Lake, table: str, first: str, last: str) -> int:
    """Count the records that were rejected in some windows, each once."""
    files = [file for file in lake.files(table) if first <= file.partition <= last]
    if not files:
        return 0
    rows = lake.read(table, files)
    return int(value(rows.record_id.fill_null(rows.digest).nunique()))
