"""What happened with each customer, event by event: calls, conversations, payments, as the feeds of sources have them.

No table is made of it: who shows a customer reads the events of the last days from the sources as of a day.
"""

from collections.abc import Mapping

import ibis

from gtm_platform.core.billing_feeds import FEEDS as BILLING
from gtm_platform.core.billing_feeds import TABLES as BILLING_TABLES
from gtm_platform.core.billing_feeds import major, payers
from gtm_platform.core.calls import BOOKED, BOOKINGS, RECORDINGS
from gtm_platform.core.ledger import with_collector
from gtm_platform.core.support import of_customers
from gtm_platform.ingest.feeds import PAYMENTS, CallFeed, SubscriptionFeed, complete, feed_rows, read
from gtm_platform.lake.expressions.days import Day, end_of, within

PEOPLE, LINKS, FORMER, CONVERSATIONS = (
    "identity/people",
    "identity/links",
    "identity/former_records",
    "intercom/conversations",
)
SOURCE_TABLES = tuple(
    dict.fromkeys([*(feed.table for feed in (*BOOKINGS, *RECORDINGS)), *BILLING_TABLES, CONVERSATIONS])
)
TABLES = (PEOPLE, LINKS, FORMER, *SOURCE_TABLES)
HELD = "held"
EVENT = ibis.schema(
    {
        "customer_id": "string",
        "at": "timestamp('UTC', 6)",
        "kind": "string",  # call, conversation or payment
        "source": "string",
        "outcome": "string",  # what became of it, in the words of the kind
        "amount": "decimal(24, 6)",  # of a payment, in major units
        "currency": "string",
        "rating": "int64",  # of a conversation, 1 to 5
        "text": "string",  # what outsiders wrote: a subject, or a summary; personal
    }
)
Tables = Mapping[str, ibis.Table]


def events(tables: Tables, day: Day, days: int) -> ibis.Table:
    """Return the events of so many days up to the end of the day, and the calls that are to come."""
    links = tables[LINKS]
    booked = [_bookings(feed, tables[feed.table], links, day) for feed in BOOKINGS]
    recorded = [_recordings(feed, tables[feed.table], links) for feed in RECORDINGS]
    owners = {feed.source: payers(feed, tables[PEOPLE], links, tables[FORMER]) for feed in BILLING}
    paid = [_payments(feed, tables, owners, day) for feed in BILLING if feed.payments and not feed.is_copy]
    happened = ibis.union(*booked, *recorded, *paid, _conversations(tables[CONVERSATIONS], links))
    to_come = (happened["kind"] == "call") & (happened["at"] >= end_of(day))
    return happened.filter(within(happened["at"], day, days) | to_come)


def _event(rows: ibis.Table, kind: str, **columns: ibis.Value) -> ibis.Table:
    values = {"customer_id": rows["customer_id"], "kind": ibis.literal(kind), **columns}
    return rows.select(
        **{name: values[name].cast(type_) if name in values else ibis.null(type_) for name, type_ in EVENT.items()}
    )


def _of_records(feed: CallFeed, table: ibis.Table, links: ibis.Table) -> ibis.Table:
    rows = feed_rows(feed, table)
    calls = rows.select(
        record_id=read(rows, feed.record_id),
        at=read(rows, feed.starts_at),
        ends_at=read(rows, feed.ends_at),
        outcome=read(rows, feed.outcome),
        summary=read(rows, feed.summary),
    )
    return calls.join(links.filter(links["source"] == feed.source).select("record_id", "customer_id"), "record_id")


def _bookings(feed: CallFeed, table: ibis.Table, links: ibis.Table, day: Day) -> ibis.Table:
    calls = _of_records(feed, table, links)
    took_place = (calls["outcome"] == BOOKED) & (calls["ends_at"] < end_of(day))
    outcome = ibis.ifelse(took_place, HELD, calls["outcome"])
    return _event(calls, "call", at=calls["at"], source=ibis.literal(feed.source), outcome=outcome)


def _recordings(feed: CallFeed, table: ibis.Table, links: ibis.Table) -> ibis.Table:
    calls = _of_records(feed, table, links)
    fixed = {"source": ibis.literal(feed.source), "outcome": ibis.literal("recorded")}
    return _event(calls, "call", at=calls["at"], text=calls["summary"], **fixed)


def _conversations(conversations: ibis.Table, links: ibis.Table) -> ibis.Table:
    users = links.filter(links["source"] == "intercom").select("customer_id", contact_id="record_id")
    talks = of_customers(conversations, users)
    columns = {
        "at": talks["created_at"],
        "outcome": talks["state"],
        "rating": talks["rating"],
        "text": talks["subject"],
    }
    return _event(talks, "conversation", source=ibis.literal("intercom"), **columns)


def _payments(feed: SubscriptionFeed, tables: Tables, owners: Tables, day: Day) -> ibis.Table:
    """Return a feed's payments, failed attempts and refunds; what another system collected is shown by that one."""
    assert feed.payments is not None
    rows = complete(feed.payments({name: tables[name] for name in feed.tables}, end_of(day)), PAYMENTS)
    rows = with_collector(rows.join(owners[feed.source], "payer"), owners, feed.source)
    rows = rows.filter(rows["is_shown"].isnull())
    outcome = ibis.cases(
        (rows["failed_at"].notnull(), "failed"), (rows["amount"] < 0, "refunded"), (rows["amount"] > 0, "paid")
    )
    return _event(
        rows,
        "payment",
        at=ibis.coalesce(rows["failed_at"], rows["paid_at"], rows["returned_at"]),
        source=ibis.literal(feed.source),
        outcome=outcome,
        amount=major(feed, rows["amount"], rows["currency"]),
        currency=rows["currency"].lower(),
    )
