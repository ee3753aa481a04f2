"""The CRM's log of calls, e-mails and meetings, with the customers that each entry was with.

Those are its contacts; of an entry without a contact those of its deals; of one without either the people of its
companies. Which deals an entry is about stands beside it.
"""

from collections.abc import Mapping

import ibis

from gtm_platform.identity.person_records import named
from gtm_platform.ingest.feeds import INSTANT
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.lake.expressions.literals import NO_TEXTS

CALL, EMAIL, MEETING = "call", "email", "meeting"
SENT, RECEIVED = "EMAIL", "INCOMING_EMAIL"
NOT_SENT = ("BOUNCED", "FAILED")
NO_SHOW, CALLED_OFF = "NO_SHOW", ("CANCELED", "RESCHEDULED")
REACHED = "COMPLETED"
SECONDS_AN_HOUR = 3600


def entries(
    log: ibis.Table, links: ibis.Table, associations: ibis.Table, people: ibis.Table, companies: ibis.Table, day: Day
) -> ibis.Table:
    """Return a row per customer and entry that took place by the end of the day."""
    rows = log.filter(log["type"].isin((CALL, EMAIL, MEETING)), log["happened_at"] < end_of(day))
    event_id = named("hubspot", rows["type"] + ibis.literal(":") + rows["id"])
    about = ibis.coalesce(rows["deal_ids"].cast("array<string>"), NO_TEXTS)
    rows = rows.mutate(event_id=event_id, at=rows["happened_at"], source=ibis.literal("hubspot"), deal_ids=about)
    with_whom = _customers(rows.view(), links, associations, people, companies)
    return rows.view().join(with_whom, "event_id")


def _customers(
    rows: ibis.Table, links: ibis.Table, associations: ibis.Table, people: ibis.Table, companies: ibis.Table
) -> ibis.Table:
    """Return [event_id, customer_id], of each entry by the closest way in which anybody is known."""
    contacts = links.filter(links["source"] == "hubspot").select("record_id", "customer_id")
    contacts = rows.select("event_id", record_id=rows["contact_ids"].unnest()).join(contacts.view(), "record_id")
    of_deals = rows.select("event_id", deal_id=rows["deal_ids"].unnest())
    of_deals = of_deals.join(deal_contacts(associations, links).view(), "deal_id")
    ids = companies.select("company_id", record_id=companies["hubspot_company_ids"].unnest())
    of_companies = rows.select("event_id", record_id=rows["company_ids"].unnest()).join(ids, "record_id")
    of_companies = of_companies.join(people.select("customer_id", "company_id"), "company_id")
    ways = [
        way.select("event_id", "customer_id", rank=ibis.literal(rank))
        for rank, way in enumerate((contacts, of_deals, of_companies))
    ]
    every = ibis.union(*ways).view()
    closest = every.group_by("event_id").agg(closest=every["rank"].min()).view()
    every = every.view().join(closest, "event_id")
    return every.filter(every["rank"] == every["closest"]).select("event_id", "customer_id").distinct().view()


def deal_contacts(associations: ibis.Table, links: ibis.Table) -> ibis.Table:
    """Return [deal_id, customer_id] of the contacts of deals."""
    of_deals = associations.filter(associations["from_type"] == "deals", associations["to_type"] == "contacts")
    of_deals = of_deals.select(deal_id="from_id", link=of_deals["links"].unnest())
    of_deals = of_deals.select("deal_id", record_id=of_deals["link"]["to_id"])
    contacts = links.filter(links["source"] == "hubspot").select("customer_id", "record_id")
    return of_deals.join(contacts, "record_id").select("deal_id", "customer_id").distinct()


def calls(rows: ibis.Table, kind: str) -> ibis.Table:
    """Return the calls in which somebody was reached, or which do not say."""
    return rows.filter(rows["type"] == CALL, rows["status"].fill_null(REACHED) == REACHED).mutate(
        kind=ibis.literal(kind), answered_at=ibis.null(INSTANT), response_hours=ibis.null("float64")
    )


def meetings(rows: ibis.Table, booked: ibis.Table, kinds: Mapping[bool, str]) -> ibis.Table:
    """Return the meetings that took place (kinds[True]) or were missed, but for those of a booking."""
    status = rows["status"].fill_null("")
    rows = rows.filter(rows["type"] == MEETING, status.notin(CALLED_OFF))
    rows = rows.mutate(
        minute=rows["at"].truncate("m"), kind=ibis.cases((status == NO_SHOW, kinds[False]), else_=kinds[True])
    )
    begun = booked.select("customer_id", minute=booked["at"].truncate("m")).distinct().view()
    rows = rows.anti_join(begun, ["customer_id", "minute"])
    return rows.mutate(answered_at=ibis.null(INSTANT), response_hours=ibis.null("float64"))


def emails(rows: ibis.Table, received: str, sent: str) -> ibis.Table:
    """Return e-mails that were sent, and received ones with their answer.

    That is the next one sent to the customer. Of several that came in a row, the first counts: it is the one that
    waited.
    """
    went = (rows["direction"] == SENT) & rows["status"].fill_null("").notin(NOT_SENT)
    mails = rows.filter(rows["type"] == EMAIL, went | (rows["direction"] == RECEIVED))
    mails = mails.mutate(is_sent=mails["direction"] == SENT).view()
    in_order = ibis.cumulative_window(group_by="customer_id", order_by=[ibis.desc("at"), ibis.desc("event_id")])
    by_time = ibis.window(group_by="customer_id", order_by=["at", "event_id"])
    mails = mails.mutate(
        next_sent=ibis.ifelse(mails["is_sent"], mails["at"], ibis.null(INSTANT)).min().over(in_order),
        follows_received=(~mails["is_sent"]).lag().over(by_time).fill_null(False),
    )
    mails = mails.filter(mails["is_sent"] | ~mails["follows_received"])
    answered_at = ibis.ifelse(mails["is_sent"], ibis.null(INSTANT), mails["next_sent"])
    seconds = answered_at.epoch_seconds() - mails["at"].epoch_seconds()
    return mails.mutate(
        kind=ibis.ifelse(mails["is_sent"], sent, received),
        answered_at=answered_at,
        response_hours=seconds.cast("float64") / SECONDS_AN_HOUR,
    )
