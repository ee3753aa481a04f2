"""Tones of texts, each judged once and kept: what the tables of tones share.

Which texts there are, and whose, is each table's own matter; how a tone is judged stands in `tone`.
"""

import ibis
import pyarrow as pa

from gtm_platform.core.tone import tone
from gtm_platform.lake.contracts import Column
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.spilled_rows import spilled

COLUMNS = {
    "text_hash": Column("string", "SHA-256 of the text that was judged.", nullable=False),
    "tone": Column(
        "float64",
        "From -1 (hostile) to 1 (delighted).",
        nullable=False,
        rule=lambda value: value.between(-1, 1),
    ),
}


def judged_once(texts: ibis.Table, previous: ibis.Table, key: str, batch: int) -> ibis.Table:
    """Return [key, text_hash, tone] of [key, body]: kept where the text is the same, else judged."""
    hashed = texts.select(key, "body", text_hash=texts["body"].hexdigest("sha256"))
    kept = previous.semi_join(hashed, [key, "text_hash"])
    return kept.union(_judged(hashed.anti_join(previous, [key, "text_hash"]), key, batch))


def _judged(texts: ibis.Table, key: str, batch: int) -> ibis.Table:
    """Judge so many texts at a time; read here, since no engine knows how to."""
    rows = engine().con.execute(engine().compile(texts)).to_arrow_reader(batch)
    schema = ibis.schema({key: "string", **{name: column.type for name, column in COLUMNS.items()}})
    return spilled((_with_tones(batch_of, key) for batch_of in rows), schema)


def _with_tones(rows: pa.RecordBatch, key: str) -> pa.RecordBatch:
    tones = pa.array([tone(body) for body in rows["body"].to_pylist()], pa.float64())
    return rows.select([key, "text_hash"]).append_column("tone", tones)
