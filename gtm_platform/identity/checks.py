"""What has to hold between the records of the sources, their links and the people."""

import ibis

from gtm_platform.identity import person_records
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.feeds import PersonFeed, feed_rows, read
from gtm_platform.lake.day_check import DayCheck

BY_ADDRESS = [feed.source for feed in FEEDS if feed.id_is_address]  # what a check shows names nobody


def unlinked_records(links: ibis.Table, records: person_records.Tables) -> ibis.Table:
    """Return the person records that no link names; that none names one twice is in the contract."""
    every = ibis.union(*[_ids(feed, feed_rows(feed, records[feed.source])) for feed in FEEDS])
    unlinked = every.anti_join(links, ["source", "record_id"])
    shown = ibis.ifelse(
        unlinked["source"].isin(BY_ADDRESS), unlinked["record_id"].hexdigest("sha256"), unlinked["record_id"]
    )
    return unlinked.mutate(record_id=shown)


def _ids(feed: PersonFeed, rows: ibis.Table) -> ibis.Table:
    return rows.select(source=ibis.literal(feed.source), record_id=read(rows, feed.id))


def customers_without_person(links: ibis.Table, people: ibis.Table) -> ibis.Table:
    """Return the customers that are in the links or among the people, but not in both."""
    linked, rows = links.select("customer_id").distinct(), people.select("customer_id")
    return ibis.union(
        linked.anti_join(rows, "customer_id").mutate(missing_in=ibis.literal("identity/people")),
        rows.anti_join(linked, "customer_id").mutate(missing_in=ibis.literal("identity/links")),
    )


CHECKS = (
    DayCheck(
        "identity/links",
        "every_record_is_linked",
        "Every person record of every source belongs to exactly one customer.",
        inputs={"links": "identity/links", "records": person_records.TABLES},
        rule=unlinked_records,
    ),
    DayCheck(
        "identity/people",
        "every_customer_is_a_person",
        "Every customer of the links has a row among the people, and no other has.",
        inputs={"links": "identity/links", "people": "identity/people"},
        rule=customers_without_person,
    ),
)
