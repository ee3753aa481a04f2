"""HubSpot deals: the competitor's product that a new customer leaves, on the open and the won deals of the company.

A displacement is an event of one day. Those of the last days are delivered again, in case that one was not.
"""

import ibis

from gtm_platform.delivery.hubspot.object_type import ObjectType, Tables
from gtm_platform.delivery.hubspot.properties import Origin, select

TRANSITIONS, COMPANY_RECORDS, PEOPLE, LINKS = (
    "cohorts/transitions",
    "identity/companies",
    "identity/people",
    "identity/links",
)
DEALS, ASSOCIATIONS = "hubspot/deals", "hubspot/associations"
DAYS_BACK = 30

PROPERTIES = (
    select(
        "competitor_displaced",
        "Competitor displaced",
        "The product that the customer leaves for ours.",
        Origin(TRANSITIONS, "competitor_displaced", "trigger"),
        (),
    ),
)


def plan(tables: Tables) -> ibis.Table:
    """Return a row per open or won deal of a company that left a competitor.

    Of a deal of two such companies the later one counts.
    """
    deals = tables[DEALS]
    is_open, is_won = ~deals["is_closed"].fill_null(False), deals["is_won"].fill_null(False)
    deals = deals.filter(is_open | is_won).select(deal_id="id")
    displaced = _displaced(tables[TRANSITIONS], tables[COMPANY_RECORDS]).join(_companies_of_deals(tables), "company_id")
    columns = ("at", "company_id", "competitor_displaced", "trigger")
    newest = ibis.struct({name: displaced[name] for name in columns}).max()
    by_deal = displaced.group_by("deal_id").agg(newest=newest)
    rows = deals.join(by_deal, "deal_id")
    return rows.select(
        "deal_id",
        hubspot_deal_id="deal_id",
        competitor_displaced=rows["newest"]["competitor_displaced"],
        trigger=rows["newest"]["trigger"],
    )


def _displaced(transitions: ibis.Table, companies: ibis.Table) -> ibis.Table:
    """Return [company_id, at, competitor_displaced, trigger], under the ids that companies have now."""
    former = companies.select("company_id", id=companies["former_ids"].unnest())
    ids = former.union(companies.select("company_id", id="company_id"))
    left = transitions.filter(transitions["competitor_displaced"].notnull())
    return left.select("at", "competitor_displaced", "trigger", id="company_id").join(ids, "id").drop("id")


def _companies_of_deals(tables: Tables) -> ibis.Table:
    """Return [deal_id, company_id]: of each deal the companies that it is linked with, and those of its contacts."""
    linked = tables[ASSOCIATIONS]
    linked = linked.filter(linked["from_type"] == "deals")
    linked = linked.select("to_type", deal_id="from_id", link=linked["links"].unnest())
    linked = linked.select("to_type", "deal_id", record_id=linked["link"]["to_id"])
    companies, people, links = tables[COMPANY_RECORDS], tables[PEOPLE], tables[LINKS]
    records = companies.select("company_id", record_id=companies["hubspot_company_ids"].unnest())
    people = people.filter(people["company_id"].notnull()).select("customer_id", "company_id")
    contacts = links.filter(links["source"] == "hubspot").select("customer_id", "record_id").join(people, "customer_id")
    owners = {"companies": records, "contacts": contacts}
    owned = [linked.filter(linked["to_type"] == to).join(owner, "record_id") for to, owner in owners.items()]
    return ibis.union(*[each.select("deal_id", "company_id") for each in owned], distinct=True)


OBJECT_TYPE = ObjectType(
    name="deals",
    label="deal",
    type_id="0-3",
    key="hubspot_deal_id",
    subject="deal_id",
    properties=PROPERTIES,
    inputs=(TRANSITIONS, COMPANY_RECORDS, PEOPLE, LINKS, DEALS, ASSOCIATIONS),
    plan=plan,
    days_back={TRANSITIONS: DAYS_BACK},
    about="The competitor's product that a new customer leaves, on its open and won HubSpot deals.",
)
