"""`identity/invalid_records`: the person records of which a newer version was rejected than the one that counts."""

import ibis

from gtm_platform.identity import person_records
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.feeds import INSTANT, PersonFeed, feed_rows, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable

CONTRACT = Contract(
    {
        "source": Column("string", "System of the record.", nullable=False),
        "record_id": Column("string", "Its id there; of some sources an address.", nullable=False, personal=True),
        "customer_id": Column("string", "The customer it belongs to.", nullable=False),
        "refused_at": Column(INSTANT, "When the newest version was read, and rejected.", nullable=False),
    },
    key=("source", "record_id"),
    about="Person records whose newest version is in quarantine: what is known of them is out of date.",
    figures={"customers": lambda t: t["customer_id"].nunique()},
)


def table(links: ibis.Table, records: person_records.Tables, rejected: person_records.Tables) -> ibis.Table:
    """Return the linked records with a rejected version that is newer than the one in the lake."""
    valid = ibis.union(*[_versions(feed, feed_rows(feed, records[feed.source])) for feed in FEEDS])
    refused = ibis.union(
        *[
            rejected[feed.source].select("record_id", source=ibis.literal(feed.source), refused_at="_extracted_at")
            for feed in FEEDS
        ]
    )
    latest = refused.group_by("source", "record_id").agg(refused_at=refused["refused_at"].max())
    stale = valid.join(latest, ["source", "record_id"])
    stale = stale.filter(stale["refused_at"] > stale["_extracted_at"]).select("source", "record_id", "refused_at")
    owned = links.select("source", "record_id", "customer_id").join(stale, ["source", "record_id"])
    return owned.select(*CONTRACT.columns)


def _versions(feed: PersonFeed, records: ibis.Table) -> ibis.Table:
    return records.select("_extracted_at", source=ibis.literal(feed.source), record_id=read(records, feed.id))


def quarantine_of(feed: PersonFeed) -> str:
    """Name the table of the feed's records that were rejected."""
    return f"quarantine/{feed.table.replace('/', '_')}"


TABLE = DailyTable(
    "identity/invalid_records",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "records": person_records.TABLES,
        "rejected": {feed.source: quarantine_of(feed) for feed in FEEDS},
    },
    rule=table,
)
