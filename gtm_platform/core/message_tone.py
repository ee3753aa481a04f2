"""`core/message_tone`: how friendly each message of a customer sounds, judged once and kept.

A text goes in, a tone comes out; who wrote it, and what follows from it, is core/support's.
"""

from datetime import date

import ibis
import pyarrow as pa

from gtm_platform.core.messages import customer_messages
from gtm_platform.core.tone import tone
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.expressions.days import within
from gtm_platform.lake.spilled_rows import spilled

BATCH = 10_000  # messages in memory at a time
JUDGED_DAYS = 90  # as far as core/support looks back

CONTRACT = Contract(
    {
        "message_id": Column("string", "The message: the first of a conversation, or a part of one.", nullable=False),
        "text_hash": Column("string", "SHA-256 of the text that was judged.", nullable=False),
        "tone": Column(
            "float64",
            "From -1 (hostile) to 1 (delighted).",
            nullable=False,
            rule=lambda tone: tone.between(-1, 1),
        ),
    },
    key=("message_id",),
    about="The tone of the messages that customers wrote in 90 days.",
    figures={"tone": lambda t: t["tone"].mean()},
)


def table(conversations: ibis.Table, parts: ibis.Table, previous: ibis.Table, day: date) -> ibis.Table:
    """Keep the tones of messages that did not change, and judge the others."""
    messages = customer_messages(conversations, parts)
    recent = within(messages["created_at"], day, JUDGED_DAYS)
    messages = messages.filter(messages["body"].notnull(), recent)
    texts = messages.select("message_id", "body", text_hash=messages["body"].hexdigest("sha256"))
    kept = previous.semi_join(texts, ["message_id", "text_hash"])
    return kept.union(judged(texts.anti_join(previous, ["message_id", "text_hash"])))


def judged(texts: ibis.Table, batch: int = BATCH) -> ibis.Table:
    """Judge [message_id, body, text_hash], a batch at a time; read here, since no engine knows how to."""
    rows = engine().con.execute(engine().compile(texts)).to_arrow_reader(batch)
    return spilled(map(_judged, rows), CONTRACT.schema)


def _judged(rows: pa.RecordBatch) -> pa.RecordBatch:
    tones = pa.array([tone(body) for body in rows["body"].to_pylist()], pa.float64())
    return rows.select(["message_id", "text_hash"]).append_column("tone", tones)


TABLE = DailyTable(
    "core/message_tone",
    CONTRACT,
    inputs={
        "conversations": "intercom/conversations",
        "parts": "intercom/conversation_parts",
        "previous": PreviousDay("core/message_tone"),
    },
    rule=table,
)
