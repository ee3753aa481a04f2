"""`market/web_traffic`: the day's sessions of the web site by where they came from, each counted by one system."""

import ibis

from gtm_platform.ingest.feeds import feed_rows, read
from gtm_platform.ingest.market_feeds import TrafficFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.market.mentioned_companies import Tables
from gtm_platform.sources.feeds import market_feeds

FEEDS = market_feeds(TrafficFeed)
KEY = ("host", "origin", "medium", "campaign")

CONTRACT = Contract(
    {
        "host": Column("string", "The web site.", nullable=False),
        "origin": Column("string", "What led to it: (direct), a site, a campaign's source.", nullable=False),
        "medium": Column("string", "By which medium: organic, referral, email, (none).", nullable=False),
        "campaign": Column("string", "The campaign, or (not set).", nullable=False),
        "sessions": Column("int64", "Sessions that began on the day.", nullable=False),
        "users": Column("int64", "Different visitors.", nullable=False),
        "conversions": Column("float64", "Conversions in them; a part of one where the system models them."),
        "source": Column("string", "The system whose count it is.", nullable=False),
    },
    key=KEY,
    about="One row per origin of the day's sessions; of two systems that count one host, the first in precedence.",
    figures={"sessions": lambda t: t["sessions"].sum(), "conversions": lambda t: t["conversions"].sum()},
)


def table(records: Tables, day: Day) -> ibis.Table:
    """Return a row per origin of the sessions of a day."""
    rows = ibis.union(*(_counted(feed, records, day) for feed in FEEDS), distinct=False)
    of_host = rows.mutate(first=rows["precedence"].min().over(ibis.window(group_by="host")))
    counted = of_host.filter(of_host["precedence"] == of_host["first"])
    return counted.group_by(*KEY).agg(
        sessions=counted["sessions"].sum(),
        users=counted["users"].sum(),
        conversions=counted["conversions"].sum(),
        source=counted["source"].min(),
    )


def _counted(feed: TrafficFeed, tables: Tables, day: Day) -> ibis.Table:
    rows = feed_rows(feed, tables[feed.table])
    rows = rows.filter(read(rows, feed.date, "date").cast("date") == as_scalar(day))
    return rows.select(
        precedence=ibis.literal(feed.precedence, "int64"),
        source=ibis.literal(feed.source),
        host=read(rows, feed.host).cast("string").lower(),
        origin=read(rows, feed.origin).cast("string"),
        medium=read(rows, feed.medium).cast("string"),
        campaign=read(rows, feed.campaign).cast("string"),
        sessions=read(rows, feed.sessions, "int64").cast("int64").fill_null(0),
        users=read(rows, feed.users, "int64").cast("int64").fill_null(0),
        conversions=read(rows, feed.conversions, "float64").cast("float64"),
    )


TABLE = DailyTable(
    "market/web_traffic",
    CONTRACT,
    inputs={"records": {feed.table: feed.table for feed in FEEDS}},
    rule=table,
)
