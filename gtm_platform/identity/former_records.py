"""`identity/former_records`: person records that their system no longer lists, though other records still name them.

A customer deleted at its billing system leaves bills and subscriptions behind; they stay the person's.
"""

from collections.abc import Iterator, Mapping

import ibis

from gtm_platform.identity import normalise, person_records
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.feeds import Mention, PersonFeed, feed_rows, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.policy import Identity, Policy
from gtm_platform.policy import policy as current_policy

METHODS = ("shared_id", "email")  # the surer first
MENTIONS = {mention.table: mention.table for feed in FEEDS for mention in feed.mentions}

CONTRACT = Contract(
    {
        "source": Column("string", "System that had the record.", nullable=False),
        "record_id": Column("string", "Id of the record in that system.", nullable=False, personal=True),
        "customer_id": Column("string", "The customer whose record it was.", nullable=False),
        "match_method": Column(
            "string",
            "shared_id: another system's record carries its id; email: the address that it had.",
            nullable=False,
            rule=lambda v: v.isin(METHODS),
        ),
    },
    key=("source", "record_id"),
    about="Person records that are gone from their system, and whose they were, as far as that can be known.",
    figures={"records": lambda t: t.count()},
)


def table(
    links: ibis.Table, records: person_records.Tables, mentions: Mapping[str, ibis.Table], policy: Policy
) -> ibis.Table:
    """Return the mentioned records without a link, each with the customer it can be tied to."""
    gone = ibis.union(*[_gone(feed, mentions, links) for feed in FEEDS if feed.mentions]).view()
    matches = ibis.union(
        *[_by_shared_id(feed, gone, links, feed_rows(feed, records[feed.source])) for feed in FEEDS if feed.shared_ids],
        *_by_email(gone, links, records, policy.identity),
    )
    first = ibis.struct({"method": matches["method"], "customer_id": matches["customer_id"]}).min()
    chosen = matches.group_by("source", "record_id").agg(first=first)
    method = chosen["first"]["method"].cases(*enumerate(METHODS))
    return chosen.select("source", "record_id", customer_id=chosen["first"]["customer_id"], match_method=method)


def with_former(links: ibis.Table, former: ibis.Table, source: str) -> ibis.Table:
    """Return [customer_id, record_id]: a source's records of each customer, those included that are gone."""
    columns = ("customer_id", "record_id")
    present = links.filter(links["source"] == source).select(*columns)
    return present.union(former.filter(former["source"] == source).select(*columns))


def _gone(feed: PersonFeed, mentions: Mapping[str, ibis.Table], links: ibis.Table) -> ibis.Table:
    """Return [source, record_id, email] of the feed's records that are mentioned but no longer listed."""
    present = links.filter(links["source"] == feed.source).select("record_id")
    named = ibis.union(*[_named(mention, mentions[mention.table]) for mention in feed.mentions])
    absent = named.filter(named["record_id"].notnull()).anti_join(present, "record_id").distinct()
    return absent.select("record_id", "email", source=ibis.literal(feed.source))


def _named(mention: Mention, table: ibis.Table) -> ibis.Table:
    return table.select(record_id=read(table, mention.record_id), email=read(table, mention.email))


def _by_shared_id(feed: PersonFeed, gone: ibis.Table, links: ibis.Table, records: ibis.Table) -> ibis.Table:
    own = read(records, feed.id)
    carried = [
        records.select(carrier=own, record_id=_each(read(records, field)), source=ibis.literal(system))
        for system, field in feed.shared_ids.items()
    ]
    tied = gone.select("source", "record_id").join(
        ibis.union(*carried) if len(carried) > 1 else carried[0], ["source", "record_id"]
    )
    return _match(tied, _customers(links, feed).rename(carrier="record_id"), "carrier", "shared_id")


def _each(ids: ibis.Value) -> ibis.Value:
    """Return each of several ids as a row of its own."""
    return ids.unnest() if isinstance(ids, ibis.ir.ArrayValue) else ids


def _by_email(
    gone: ibis.Table, links: ibis.Table, records: person_records.Tables, rules: Identity
) -> Iterator[ibis.Table]:
    mail = gone.select("source", "record_id", email=normalise.email(gone["email"]))
    mail = mail.filter(~normalise.is_shared_inbox(mail["email"], rules)).view()
    yield _match(mail, links.select("customer_id", "email"), "email", "email")
    for feed in FEEDS:
        if feed.other_emails:
            table = feed_rows(feed, records[feed.source])
            secondary = table.select(record_id=read(table, feed.id), raw=read(table, feed.other_emails).unnest())
            secondary = secondary.select("record_id", email=normalise.email(secondary["raw"]))
            owned = secondary.join(_customers(links, feed), "record_id").select("customer_id", "email")
            yield _match(mail, owned, "email", "email")


def _customers(links: ibis.Table, feed: PersonFeed) -> ibis.Table:
    return links.filter(links["source"] == feed.source).select("customer_id", "record_id")


def _match(gone: ibis.Table, customers: ibis.Table, key: str, method: str) -> ibis.Table:
    tied = gone.join(customers, key)
    return tied.select("source", "record_id", "customer_id", method=ibis.literal(METHODS.index(method), "int64"))


TABLE = DailyTable(
    "identity/former_records",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "records": person_records.TABLES,
        "mentions": MENTIONS,
        "policy": current_policy,
    },
    rule=table,
)
