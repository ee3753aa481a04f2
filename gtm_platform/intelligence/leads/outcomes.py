"""`intelligence/lead_outcomes`: every company, and everybody without one, with what came of it until the day.

A lead is who would buy: the company where somebody has one, else the person. Won is who ever paid, or has a won deal.
"""

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

KINDS = COMPANY, PERSON = ("company", "person")
OUTCOMES = WON, LOST, OPEN = ("won", "lost", "open")

CONTRACT = Contract(
    {
        "lead_id": Column("string", "The company, or the customer without one.", nullable=False),
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        "kind": Column("string", "company or person.", nullable=False, rule=lambda v: v.isin(KINDS)),
        "people": Column("int64", "People of it in any system.", nullable=False),
        "mrr": Column(money.AMOUNT, "What it pays a month, in the reporting currency.", nullable=False),
        "ltv": Column(money.AMOUNT, "What it paid so far, net of refunds, in the reporting currency.", nullable=False),
        "first_paid_on": Column("date", "The day of its first payment."),
        "left_on": Column("date", "The day on which the last of its subscriptions ended; null while one runs."),
        "won_deals": Column("int64", "Deals of it that were won.", nullable=False),
        "lost_deals": Column("int64", "Deals of it that were lost.", nullable=False),
        "open_deals": Column("int64", "Deals of it that are open.", nullable=False),
        "outcome": Column(
            "string",
            "won: it paid, or a deal was won; lost: deals were lost, and none was won; else open.",
            nullable=False,
            rule=lambda v: v.isin(OUTCOMES),
        ),
    },
    key=("lead_id",),
    about="Every company, and everybody without one: what it paid, and how its deals ended.",
    figures={
        "won": lambda t: (t["outcome"] == WON).sum(),
        "lost": lambda t: (t["outcome"] == LOST).sum(),
        "open": lambda t: (t["outcome"] == OPEN).sum(),
    },
)


def table(
    people: ibis.Table,
    companies: ibis.Table,
    links: ibis.Table,
    profile: ibis.Table,
    revenue: ibis.Table,
    deals: ibis.Table,
    associations: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per company, and per person without one."""
    members = people.select("customer_id", lead_id=ibis.coalesce(people["company_id"], people["customer_id"]))
    alone = people.filter(people["company_id"].isnull()).select(lead_id="customer_id", kind=ibis.literal(PERSON))
    leads = companies.select(lead_id="company_id", kind=ibis.literal(COMPANY)).union(alone)
    owners = _deal_owners(associations, links, members, companies)
    rows = left_join_all(leads, [_paid(members, profile, revenue, policy), _ended(owners, deals)], "lead_id")
    counts = {name: rows[name].fill_null(0) for name in ("people", "won_deals", "lost_deals", "open_deals")}
    rows = rows.mutate(**counts, **{name: money.shown(rows[name].fill_null(0)) for name in ("mrr", "ltv")})
    won = rows["first_paid_on"].notnull() | (rows["mrr"] > 0) | (rows["won_deals"] > 0)
    runs = rows["runs"].fill_null(False) | rows["first_paid_on"].isnull()
    return rows.mutate(
        as_of=as_scalar(day),
        left_on=ibis.ifelse(runs, ibis.null("date"), rows["left_on"]),
        outcome=ibis.cases((won, WON), (rows["lost_deals"] > 0, LOST), else_=OPEN),
    ).select(*CONTRACT.columns)


def _paid(members: ibis.Table, profile: ibis.Table, revenue: ibis.Table, policy: Policy) -> ibis.Table:
    """Return what the people of each lead pay and paid, and since and until when."""
    parts = [
        profile.select("customer_id", "is_customer", "churned_at"),
        revenue.select("customer_id", "mrr_reporting", "ltv", "currency", "first_paid_at"),
    ]
    rows = left_join_all(members, parts)
    current = rows["is_customer"].fill_null(False)
    paid = money.reported(money.exact(rows["ltv"]), rows["currency"], policy.money)
    return rows.group_by("lead_id").agg(
        people=rows.count(),
        runs=current.any(),
        mrr=ibis.ifelse(current, rows["mrr_reporting"].fill_null(0), 0).sum(),
        ltv=paid.sum(),
        first_paid_on=rows["first_paid_at"].date().min(),
        left_on=rows["churned_at"].date().max(),
    )


def _deal_owners(associations: ibis.Table, links: ibis.Table, members: ibis.Table, companies: ibis.Table) -> ibis.Table:
    """Return [deal_id, lead_id]: whose deal it is, by contacts and companies that it is linked with."""
    of_deals = associations.filter(associations["from_type"] == "deals")
    linked = of_deals.select("to_type", deal_id="from_id", link=of_deals["links"].unnest())
    linked = linked.select("to_type", "deal_id", record_id=linked["link"]["to_id"])
    contacts = links.filter(links["source"] == "hubspot").select("customer_id", "record_id")
    by_contact = linked.filter(linked["to_type"] == "contacts").join(contacts, "record_id").join(members, "customer_id")
    records = companies.select(lead_id="company_id", record_id=companies["hubspot_company_ids"].unnest())
    by_company = linked.view().filter(lambda t: t["to_type"] == "companies").join(records, "record_id")
    owners = by_contact.select("deal_id", "lead_id").union(by_company.select("deal_id", "lead_id"))
    return owners.distinct()


def _ended(owners: ibis.Table, deals: ibis.Table) -> ibis.Table:
    rows = owners.join(deals.select("deal_id", "closed_on", "is_won"), "deal_id")
    return rows.group_by("lead_id").agg(
        won_deals=rows["is_won"].sum(),
        lost_deals=(rows["closed_on"].notnull() & ~rows["is_won"]).sum(),
        open_deals=rows["closed_on"].isnull().sum(),
    )


TABLE = DailyTable(
    "intelligence/lead_outcomes",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "companies": "identity/companies",
        "links": "identity/links",
        "profile": "core/profile",
        "revenue": "core/revenue",
        "deals": "intelligence/pipeline_deals",
        "associations": "hubspot/associations",
        "policy": current_policy,
    },
    rule=table,
)
