"""The feeds of subscriptions, in the order in which they count, and whose their payers are."""

from collections.abc import Mapping

import ibis

from gtm_platform.identity.former_records import with_former
from gtm_platform.identity.people import IDS
from gtm_platform.ingest.feeds import SubscriptionFeed
from gtm_platform.lake.expressions import money
from gtm_platform.lake.owners import Owner, Owners
from gtm_platform.sources.feeds import subscription_feeds

FEEDS = subscription_feeds()
SOURCES = tuple(feed.source for feed in FEEDS)
COPIES = tuple(feed.source for feed in FEEDS if feed.is_copy)
TABLES: Mapping[str, str] = {table: table for feed in FEEDS for table in feed.tables}


def _owner(feed: SubscriptionFeed, table: str) -> Owner | None:
    if table in feed.payer_of:
        return Owner(feed.source, feed.payer_of[table])
    if table not in feed.payer_through:
        return None
    through = feed.payer_through[table]
    return Owner(feed.source, feed.payer_of[through[0]], through=through)


OWNERS: Owners = {
    table: tuple(owner for feed in FEEDS if (owner := _owner(feed, table)))
    for table in TABLES
    if any(table in {**feed.payer_of, **feed.payer_through} for feed in FEEDS)
}


def major(feed: SubscriptionFeed, amount: ibis.Value, currency: ibis.ir.StringValue) -> ibis.ir.DecimalValue:
    """Return an amount of the feed in major units."""
    return money.major(amount, currency) if feed.amounts_in == "minor" else money.exact(amount).cast(money.MAJOR)


def payers(feed: SubscriptionFeed, people: ibis.Table, links: ibis.Table, former: ibis.Table) -> ibis.Table:
    """Return [customer_id, payer]: the records of each customer by which the source bills it."""
    if feed.speaking_record_only:
        column = people[IDS[feed.source]]
        return people.filter(column.notnull()).select("customer_id", payer=column)
    return with_former(links, former, feed.source).select("customer_id", payer="record_id")
