"""`core/call_tone`: how friendly the customers sounded in each recorded call, judged once and kept.

Words go in, a tone comes out: what was said stays with its source.
"""

from collections.abc import Mapping
from datetime import date

import ibis

from gtm_platform.core.message_tone import judged
from gtm_platform.identity.person_records import named
from gtm_platform.ingest.feeds import CallFeed, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.expressions.days import within
from gtm_platform.sources.feeds import call_feeds

TRANSCRIPTS = [feed for feed in call_feeds() if feed.words]
BATCH = 50  # calls in memory at a time: an hour of one is a hundred thousand characters
JUDGED_DAYS = 90  # as far as core/calls looks back

CONTRACT = Contract(
    {
        "call": Column("string", "The recorded call: its source and its id there.", nullable=False),
        "text_hash": Column("string", "SHA-256 of the words that were judged.", nullable=False),
        "tone": Column(
            "float64",
            "From -1 (hostile) to 1 (delighted).",
            nullable=False,
            rule=lambda tone: tone.between(-1, 1),
        ),
    },
    key=("call",),
    about="The tone of what those who are not ours said in the calls of 90 days.",
    figures={"tone": lambda t: t["tone"].mean()},
)


def table(transcripts: Mapping[str, ibis.Table], previous: ibis.Table, day: date) -> ibis.Table:
    """Keep the tones of calls whose words did not change, and judge the others."""
    spoken = ibis.union(*[_spoken(feed, transcripts[feed.source], day) for feed in TRANSCRIPTS])
    texts = spoken.select("message_id", "body", text_hash=spoken["body"].hexdigest("sha256"))
    before = previous.rename(message_id="call")
    kept = before.semi_join(texts, ["message_id", "text_hash"])
    fresh = judged(texts.anti_join(before, ["message_id", "text_hash"]), BATCH)
    return kept.union(fresh).rename(call="message_id")


def _spoken(feed: CallFeed, table: ibis.Table, day: date) -> ibis.Table:
    recent = table.filter(within(read(table, feed.starts_at), day, JUDGED_DAYS))
    spoken = recent.select(message_id=named(feed.source, read(recent, feed.call_id)), body=read(recent, feed.words))
    return spoken.filter(spoken["body"].notnull())


TABLE = DailyTable(
    "core/call_tone",
    CONTRACT,
    inputs={
        "transcripts": {feed.source: feed.table for feed in TRANSCRIPTS},
        "previous": PreviousDay("core/call_tone"),
    },
    rule=table,
)
