"""`intelligence/pipeline_deals`: the deals of the pipelines as of the day."""

import ibis

from gtm_platform.intelligence.movements.counted import reporting_minor
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

CONTRACT = Contract(
    {
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        "deal_id": Column("string", "The deal in HubSpot.", nullable=False),
        "deal_group": Column("string", "Its pipeline, and its type where it has one.", nullable=False),
        "stage": Column("string", "Its stage, as sales calls it."),
        "created_on": Column("date", "The day it was made.", nullable=False),
        "closed_on": Column("date", "The day it was won or lost, no later than this one; null: it is open."),
        "is_won": Column("boolean", "It was won.", nullable=False),
        "amount": Column("int64", "In minor units of the reporting currency; null without an amount or a rate."),
    },
    key=("deal_id",),
    about="Every deal with when it came and how it ended, as was known on the day.",
    figures={
        "open": lambda t: t["closed_on"].isnull().sum(),
        "won": lambda t: t["is_won"].sum(),
    },
)


def table(deals: ibis.Table, stages: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per deal that says when it was made; who closed in the future is open until then."""
    labels = stages.select("pipeline_id", "stage_id", "pipeline_label", label="stage_label")
    rows = deals.left_join(labels, ["pipeline_id", "stage_id"], rname="{name}_of_stage")
    currency = ibis.coalesce(rows["currency"], ibis.literal(policy.money.reporting_currency))
    today = as_scalar(day)
    closed_on = ibis.ifelse(rows["is_closed"].fill_null(False), rows["close_date"].date(), ibis.null("date"))
    pipeline = ibis.coalesce(rows["pipeline_label"], rows["pipeline_id"], ibis.literal("no pipeline"))
    rows = rows.select(
        as_of=today,
        deal_id="id",
        deal_group=ibis.ifelse(rows["type"].isnull(), pipeline, pipeline + " · " + rows["type"]),
        stage=ibis.coalesce(rows["label"], rows["stage_id"]),
        created_on=rows["created_at"].date(),
        closed_on=ibis.ifelse(closed_on <= today, closed_on, ibis.null("date")),
        is_won=rows["is_won"].fill_null(False) & (closed_on <= today).fill_null(False),
        amount=reporting_minor(rows["amount"], currency, policy.money),
    )
    return rows.filter(rows["created_on"] <= today)


TABLE = DailyTable(
    "intelligence/pipeline_deals",
    CONTRACT,
    inputs={"deals": "hubspot/deals", "stages": "hubspot/pipelines", "policy": current_policy},
    rule=table,
)
