"""`intelligence/competitor_deals`: the deals in which a competitor was, and how that is known.

Only what was seen of the company before the deal was closed counts for rates. A reason that sales wrote down names a
competitor far more often where the deal was lost, and what we write on won deals ourselves is on no lost one.
"""

import re

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.policy import Market, Policy
from gtm_platform.policy import policy as current_policy

WON, LOST, OPEN = OUTCOMES = ("won", "lost", "open")

CONTRACT = Contract(
    {
        "deal_id": Column("string", "The deal.", nullable=False),
        "competitor": Column("string", "The competitor, as the policy names it.", nullable=False),
        "company_id": Column("string", "The company of the deal; of several that which uses the competitor."),
        "outcome": Column("string", ", ".join(OUTCOMES) + ".", nullable=False, rule=lambda v: v.isin(OUTCOMES)),
        "created_on": Column("date", "The day the deal was made.", nullable=False),
        "closed_on": Column("date", "The day it was won or lost; null: it is open."),
        "amount": Column("int64", "In minor units of the reporting currency; null without an amount or a rate."),
        "seen_on": Column("date", "When its company was first seen to use the competitor, with certainty."),
        "seen_before": Column("boolean", "That was before the outcome: the deal counts for rates.", nullable=False),
        "named_in_reason": Column("boolean", "What sales wrote of the outcome names the competitor.", nullable=False),
    },
    key=("deal_id", "competitor"),
    about="Deals of companies that use a competitor, and deals whose reason names one, as was known on the day.",
    figures={
        "seen_before": lambda t: t["seen_before"].sum(),
        "named": lambda t: t["named_in_reason"].sum(),
    },
)


def table(
    deals: ibis.Table,
    records: ibis.Table,
    associations: ibis.Table,
    companies: ibis.Table,
    people: ibis.Table,
    links: ibis.Table,
    usage: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per deal and competitor."""
    owned = companies_of_deals(associations, companies, people, links)
    certain = usage.filter(usage["first_certain_at"].notnull()).select(
        "company_id", competitor="vector_db", seen_on=usage["first_certain_at"].date()
    )
    seen = owned.join(certain, "company_id").group_by("deal_id", "competitor")
    seen = seen.agg(first=lambda t: ibis.struct({"seen_on": t["seen_on"], "company_id": t["company_id"]}).min())
    seen = seen.select(
        "deal_id", "competitor", company_id=seen["first"]["company_id"], seen_on=seen["first"]["seen_on"]
    )
    named = _named(records, policy.market).mutate(named=ibis.literal(True))
    pairs = seen.outer_join(named, ["deal_id", "competitor"], rname="{name}_of_reason")
    pairs = pairs.select(
        "seen_on",
        "company_id",
        deal_id=ibis.coalesce(pairs["deal_id"], pairs["deal_id_of_reason"]),
        competitor=ibis.coalesce(pairs["competitor"], pairs["competitor_of_reason"]),
        named_in_reason=pairs["named"].fill_null(False),
    )
    first_owner = owned.group_by("deal_id").agg(of_deal=owned["company_id"].min())
    rows = deals.select("deal_id", "created_on", "closed_on", "is_won", "amount").join(pairs, "deal_id")
    rows = rows.left_join(first_owner, "deal_id", rname="{name}_of_owner")
    closed = rows["closed_on"].notnull()
    last = ibis.coalesce(rows["closed_on"], as_scalar(day) + ibis.interval(days=1))
    rows = rows.mutate(
        company_id=ibis.coalesce(rows["company_id"], rows["of_deal"]),
        outcome=ibis.cases((rows["is_won"] & closed, WON), (closed, LOST), else_=OPEN),
        seen_before=(rows["seen_on"] < last).fill_null(False),
        named_in_reason=rows["named_in_reason"] & closed,
    )
    seen_by_then = (rows["seen_on"] <= as_scalar(day)).fill_null(False)
    return rows.filter(rows["named_in_reason"] | seen_by_then).select(*CONTRACT.columns)


def companies_of_deals(
    associations: ibis.Table, companies: ibis.Table, people: ibis.Table, links: ibis.Table
) -> ibis.Table:
    """Return [deal_id, company_id] of the companies and of the contacts that deals are linked with."""
    of_deals = associations.filter(associations["from_type"] == "deals")
    of_deals = of_deals.select("to_type", deal_id="from_id", link=of_deals["links"].unnest())
    of_deals = of_deals.select("to_type", "deal_id", record_id=of_deals["link"]["to_id"])
    records = companies.select("company_id", record_id=companies["hubspot_company_ids"].unnest())
    members = people.filter(people["company_id"].notnull()).select("customer_id", "company_id")
    contacts = links.filter(links["source"] == "hubspot").select("customer_id", "record_id")
    contacts = contacts.join(members, "customer_id").select("company_id", "record_id")
    owners = {"companies": records, "contacts": contacts}
    owned = [of_deals.filter(of_deals["to_type"] == to).join(owner, "record_id") for to, owner in owners.items()]
    return ibis.union(*[each.select("deal_id", "company_id") for each in owned], distinct=True).view()


def reason_of(records: ibis.Table) -> ibis.ir.StringValue:
    """Return what sales wrote of a deal's outcome."""
    reason: ibis.ir.StringValue = ibis.ifelse(
        records["is_won"].fill_null(False), records["won_reason"], records["lost_reason"]
    )
    return reason


def _named(records: ibis.Table, rules: Market) -> ibis.Table:
    """Return [deal_id, competitor] of deals whose reason names one."""
    reason = reason_of(records)
    named = [
        records.filter(reason.re_search(words_of(slug, aliases)).fill_null(False)).select(
            deal_id="id", competitor=ibis.literal(slug)
        )
        for slug, aliases in rules.competitors.items()
    ]
    return ibis.union(*named, distinct=True) if len(named) > 1 else named[0].distinct()


def words_of(slug: str, aliases: tuple[str, ...]) -> str:
    """Return the pattern of a competitor's names as words of a text."""
    names = "|".join(sorted({re.escape(name.lower()) for name in (slug, *aliases)}, key=len, reverse=True))
    return rf"(?i)(^|[^a-z0-9])({names})([^a-z0-9]|$)"


TABLE = DailyTable(
    "intelligence/competitor_deals",
    CONTRACT,
    inputs={
        "deals": "intelligence/pipeline_deals",
        "records": "hubspot/deals",
        "associations": "hubspot/associations",
        "companies": "identity/companies",
        "people": "identity/people",
        "links": "identity/links",
        "usage": "competitor_intel/usage",
        "policy": current_policy,
    },
    rule=table,
)
