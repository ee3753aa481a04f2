"""`core/call_tone`: how friendly the customers sounded in each recorded call, judged once and kept.

Words go in, a tone comes out: what was said stays with its source.
"""

from collections.abc import Mapping

import ibis

from gtm_platform.core import judged_tones
from gtm_platform.identity.person_records import named
from gtm_platform.ingest.feeds import CallFeed, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.expressions.days import Day, within
from gtm_platform.sources.feeds import call_feeds

TRANSCRIPTS = [feed for feed in call_feeds() if feed.words]
BATCH = 50  # calls in memory at a time: an hour of one is a hundred thousand characters
JUDGED_DAYS = 90  # as far as core/calls looks back

CONTRACT = Contract(
    {
        "call": Column("string", "The recorded call: its source and its id there.", nullable=False),
        **judged_tones.COLUMNS,
    },
    key=("call",),
    about="The tone of what those who are not ours said in the calls of 90 days.",
    figures={"tone": lambda t: t["tone"].mean()},
)


def table(transcripts: Mapping[str, ibis.Table], previous: ibis.Table, day: Day) -> ibis.Table:
    """Keep the tones of calls whose words did not change, and judge the others."""
    spoken = ibis.union(*[_spoken(feed, transcripts[feed.source], day) for feed in TRANSCRIPTS])
    return judged_tones.judged_once(spoken, previous, "call", BATCH)


def _spoken(feed: CallFeed, table: ibis.Table, day: Day) -> ibis.Table:
    recent = table.filter(within(read(table, feed.starts_at), day, JUDGED_DAYS))
    spoken = recent.select(call=named(feed.source, read(recent, feed.call_id)), body=read(recent, feed.words))
    return spoken.filter(spoken["body"].notnull())


TABLE = DailyTable(
    "core/call_tone",
    CONTRACT,
    inputs={
        "transcripts": {feed.source: feed.table for feed in TRANSCRIPTS},
        "previous": PreviousDay("core/call_tone"),
    },
    rule=table,
    eager=True,  # no engine knows how to judge a text
)
