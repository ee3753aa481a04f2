"""`core/pipeline`: the customer's deals and where it stands in the sales process."""

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, days_since
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.owners import Owner
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
        "lost_reason": Column("string", "Why its latest lost deal was lost, in the words of sales.", personal=True),
    },
    key=("customer_id",),
    about="Deals and lifecycle of each customer; amounts are null for customers whom HubSpot does not know.",
    figures={"open_deal_amount": lambda t: t["open_deal_amount"].sum()},
)


def _contacts_of_deals(associations: ibis.Table) -> ibis.Table:
    return associations.filter(associations["from_type"] == "deals", associations["to_type"] == "contacts")


def _of_deals(deals: ibis.Table, associations: ibis.Table) -> ibis.Table:
    """Return the associations of deals with contacts, which say whose they are."""
    return _contacts_of_deals(associations).semi_join(deals.select(from_id="id"), "from_id")


def _linked(associations: ibis.Table) -> ibis.Value:
    return associations["links"].map(lambda link: link["to_id"])


OWNERS = {
    "hubspot/contacts": (Owner("hubspot", "id"),),
    "hubspot/associations": (Owner("hubspot", _linked, _contacts_of_deals),),
    "hubspot/deals": (Owner("hubspot", _linked, with_table=("hubspot/associations", _of_deals)),),
}


def table(
    people: ibis.Table,
    links: ibis.Table,
    hubspot: ibis.Table,
    deals: ibis.Table,
    stages: ibis.Table,
    associations: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per customer."""
    contacts = hubspot.select("lifecycle_stage", "lead_source", hubspot_contact_id="id")
    customers = left_join_all(people.select("customer_id", "hubspot_contact_id"), [contacts], "hubspot_contact_id")
    customers = left_join_all(customers, [_summed(_deals(links, deals, stages, associations, policy), day)])
    in_hubspot = customers["hubspot_contact_id"].notnull()
    amounts = {
        name: ibis.ifelse(in_hubspot, money.shown(customers[name].fill_null(0)), ibis.null(money.AMOUNT))
        for name in ("open_deal_amount", "won_amount")
    }
    return customers.mutate(**amounts).drop("hubspot_contact_id")


def _deals(
    links: ibis.Table, deals: ibis.Table, stages: ibis.Table, associations: ibis.Table, policy: Policy
) -> ibis.Table:
    """Return the deals of each customer, once each, with `label` and with `worth` in the reporting currency."""
    named = _contacts_of_deals(associations)
    named = named.select(deal_id="from_id", link=named["links"].unnest())
    contacts = links.filter(links["source"] == "hubspot").select("customer_id", "record_id")
    owners = named.select("deal_id", record_id=named["link"]["to_id"]).join(contacts, "record_id")
    labels = stages.select("pipeline_id", "stage_id", label="stage_label")
    labelled = deals.left_join(labels, ["pipeline_id", "stage_id"], rname="{name}_of_stage")
    currency = ibis.coalesce(labelled["currency"], ibis.literal(policy.money.reporting_currency))
    valued = labelled.select(
        "close_date",
        "created_at",
        "lost_reason",
        deal_id="id",
        label=ibis.coalesce(labelled["label"], labelled["stage_id"]),
        worth=money.reported(labelled["amount"], currency, policy.money),
        open=~labelled["is_closed"].fill_null(False),
        won=labelled["is_won"].fill_null(False),
    )
    return owners.select("customer_id", "deal_id").distinct().join(valued, "deal_id")


def _summed(deals: ibis.Table, day: Day) -> ibis.Table:
    dated = deals["created_at"].notnull()  # engines do not agree on whether nothing is more than something
    age = {"open": deals["open"], "dated": dated, "created": deals["created_at"]}
    newest = ibis.struct({**age, "deal_id": deals["deal_id"], "label": deals["label"]}).max()
    coming = deals["open"] & (days_since(deals["close_date"], day) <= 0)
    lost = ~deals["open"] & ~deals["won"] & deals["lost_reason"].notnull() & deals["close_date"].notnull()
    latest = {"close_date": deals["close_date"], "deal_id": deals["deal_id"], "reason": deals["lost_reason"]}
    summed = deals.group_by("customer_id").agg(
        newest=newest,
        lost=ibis.struct(latest).max(where=lost),
        open_deal_amount=deals["worth"].sum(where=deals["open"]),
        won_amount=deals["worth"].sum(where=deals["won"]),
        next_close_date=deals["close_date"].date().min(where=coming),
    )
    summed = summed.mutate(deal_stage=summed["newest"]["label"], lost_reason=summed["lost"]["reason"])
    return summed.drop("newest", "lost")


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
    has_canaries=True,
    per="customer",
    owners=OWNERS,
)
