"""`core/pipeline`: the customer's deals and where it stands in the sales process."""

from datetime import date

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import days_since
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "lifecycle_stage": Column("string", "Of its contact in HubSpot."),
        "deal_stage": Column("string", "Stage of the newest open deal, else of the newest deal."),
        "open_deal_amount": Column("decimal(18, 2)", "Sum of open deals in the reporting currency; 0 for none."),
        "won_amount": Column("decimal(18, 2)", "Sum of won deals in the reporting currency; 0 for none."),
        "next_close_date": Column("date", "Nearest close date, from the day on, of an open deal."),
        "lead_source": Column("string", "Of its contact in HubSpot."),
    },
    key=("customer_id",),
    about="Deals and lifecycle of each customer; amounts are null for customers whom HubSpot does not know.",
    figures={"open_deal_amount": lambda t: t["open_deal_amount"].sum()},
)


def table(
    people: ibis.Table,
    links: ibis.Table,
    hubspot: ibis.Table,
    deals: ibis.Table,
    stages: ibis.Table,
    associations: ibis.Table,
    policy: Policy,
    day: date,
) -> ibis.Table:
    contacts = hubspot.select("lifecycle_stage", "lead_source", hubspot_contact_id="id")
    known = left_join_all(people.select("customer_id", "hubspot_contact_id"), [contacts], "hubspot_contact_id")
    known = left_join_all(known, [_summed(_deals(links, deals, stages, associations, policy), day)])
    in_hubspot = known["hubspot_contact_id"].notnull()
    amounts = {
        name: ibis.ifelse(in_hubspot, money.shown(known[name].fill_null(0)), ibis.null(money.AMOUNT))
        for name in ("open_deal_amount", "won_amount")
    }
    return known.mutate(**amounts).drop("hubspot_contact_id")


def _deals(
    links: ibis.Table, deals: ibis.Table, stages: ibis.Table, associations: ibis.Table, policy: Policy
) -> ibis.Table:
    """The deals of each customer, once each, with `label` and with `worth` in the reporting currency."""
    named = associations.filter(associations["from_type"] == "deals", associations["to_type"] == "contacts")
    named = named.select(deal_id="from_id", link=named["links"].unnest())
    contacts = links.filter(links["source"] == "hubspot").select("customer_id", "record_id")
    theirs = named.select("deal_id", record_id=named["link"]["to_id"]).join(contacts, "record_id")
    labels = stages.select("pipeline_id", "stage_id", label="stage_label")
    found = deals.left_join(labels, ["pipeline_id", "stage_id"], rname="{name}_of_stage")
    currency = ibis.coalesce(found["currency"], ibis.literal(policy.money.reporting_currency))
    told = found.select(
        "close_date",
        "created_at",
        deal_id="id",
        label=ibis.coalesce(found["label"], found["stage_id"]),
        worth=money.reported(found["amount"], currency, policy.money),
        open=~found["is_closed"].fill_null(False),
        won=found["is_won"].fill_null(False),
    )
    return theirs.select("customer_id", "deal_id").distinct().join(told, "deal_id")


def _summed(deals: ibis.Table, day: date) -> ibis.Table:
    dated = deals["created_at"].notnull()  # engines do not agree on whether nothing is more than something
    age = {"open": deals["open"], "dated": dated, "created": deals["created_at"]}
    newest = ibis.struct({**age, "deal_id": deals["deal_id"], "label": deals["label"]}).max()
    coming = deals["open"] & (days_since(deals["close_date"], day) <= 0)
    found = deals.group_by("customer_id").agg(
        newest=newest,
        open_deal_amount=deals["worth"].sum(where=deals["open"]),
        won_amount=deals["worth"].sum(where=deals["won"]),
        next_close_date=deals["close_date"].date().min(where=coming),
    )
    return found.mutate(deal_stage=found["newest"]["label"]).drop("newest")


TABLE = DailyTable(
    "core/pipeline",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "hubspot": "hubspot/contacts",
        "deals": "hubspot/deals",
        "stages": "hubspot/pipelines",
        "associations": "hubspot/associations",
        "policy": current_policy,
    },
    rule=table,
)
