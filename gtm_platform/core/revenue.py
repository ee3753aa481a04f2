"""`core/revenue`: what the customer pays, has paid and owes, and for which plan."""

import ibis

from gtm_platform.core import ledger
from gtm_platform.core.billing_feeds import OWNERS, SOURCES, TABLES
from gtm_platform.ingest.feeds import Tables
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import Money, Policy
from gtm_platform.policy import policy as current_policy

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "mrr": Column(money.AMOUNT, "Monthly recurring revenue at the end of the day; null where nothing is known."),
        "mrr_reporting": Column(money.AMOUNT, "The same in the reporting currency; null without a rate for it."),
        "arr": Column(money.AMOUNT, "Yearly recurring revenue, from what is not yet rounded to months."),
        "ltv": Column(money.AMOUNT, "Payments net of refunds and lost disputes."),
        "currency": Column("string", "Of the amounts; the reporting currency where the customer uses several."),
        "plan_name": Column("string", "Of the subscription with the largest MRR."),
        "plan_tier": Column("string", "The price's tier, else the product's, else the price's nickname or lookup key."),
        "plan_price": Column(money.AMOUNT, "Price of one unit for one interval."),
        "subscription_status": Column("string", "Of the newest subscription; incomplete ones only if no other."),
        "is_delinquent": Column("boolean", "Marked delinquent, or a subscription or an invoice is past due."),
        "failed_payments_30d": Column("int64", "Failed charges in 30 days."),
        "current_period_end": Column("timestamp('UTC', 6)", "Of the subscription with the largest MRR."),
        "first_paid_at": Column("timestamp('UTC', 6)", "First successful payment."),
        "mrr_source": Column(
            "string",
            "The system whose word counts: the first in which a subscription runs, else ever did; copies come last.",
            rule=lambda v: v.isin(SOURCES),
        ),
    },
    key=("customer_id",),
    about="MRR, plan, payments and debts of each customer; null for whom no system bills.",
    figures={
        "mrr": lambda t: t["mrr_reporting"].sum(),
        "paying": lambda t: (t["mrr_reporting"] > 0).sum(),
        "delinquent": lambda t: t["is_delinquent"].sum(),
    },
)


def table(
    people: ibis.Table,
    links: ibis.Table,
    former: ibis.Table,
    billing: Tables,
    subscriptions: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per customer."""
    currency = subscriptions["currency"].fill_null(policy.money.reporting_currency)
    subscriptions = subscriptions.mutate(currency=currency)
    lines = ledger.lines(people, links, former, billing, subscriptions, day)
    customers = left_join_all(ledger.summed(lines, policy.money), [_leading(subscriptions, policy.money)])
    return left_join_all(people.select("customer_id"), [_billed(customers, policy.money)])


def _leading(subscriptions: ibis.Table, rules: Money) -> ibis.Table:
    """Return [customer_id, lead, newest]: the subscription with the largest MRR, and the newest, of each customer."""
    owned = subscriptions.filter(subscriptions["is_leading"])
    worth = money.reported(owned["mrr"], owned["currency"], rules).fill_null(0)
    at = {"created_at": owned["created_at"], "id": owned["subscription_id"]}
    fields = ("plan_name", "plan_tier", "plan_price", "currency", "current_period_end")
    return owned.group_by("customer_id").agg(
        lead=ibis.struct({"worth": worth, **at, **{name: owned[name] for name in fields}}).max(),
        newest=ibis.struct({"came": ~owned["status"].startswith("incomplete"), **at, "status": owned["status"]}).max(),
    )


def _billed(customers: ibis.Table, rules: Money) -> ibis.Table:
    """Return what is billed in the customer's currency, or in the reporting one where it uses several."""
    several = customers["currencies"] > 1
    lead = customers["lead"]
    plan_price, plan_currency = lead["plan_price"], lead["currency"]
    in_reporting = money.reported(plan_price, plan_currency, rules)
    own = ibis.ifelse(customers["currencies"] == 0, plan_currency, customers["currency"])
    return customers.select(
        "customer_id",
        mrr=money.shown(ibis.ifelse(several, customers["mrr_reporting"], customers["mrr"])),
        mrr_reporting=money.shown(customers["mrr_reporting"]),
        arr=money.shown(ibis.ifelse(several, customers["arr_reporting"], customers["arr"])),
        ltv=money.shown(ibis.ifelse(several, customers["cash_reporting"], customers["cash"])),
        currency=ibis.ifelse(several, rules.reporting_currency, ibis.coalesce(own, customers["currency"])),
        plan_name=lead["plan_name"],
        plan_tier=lead["plan_tier"],
        plan_price=money.shown(ibis.ifelse(several, in_reporting, plan_price)),
        subscription_status=customers["newest"]["status"],
        is_delinquent="owes",
        failed_payments_30d="failed",
        current_period_end=lead["current_period_end"],
        first_paid_at="first_paid_at",
        mrr_source="source",
    )


TABLE = DailyTable(
    "core/revenue",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "former": "identity/former_records",
        "billing": TABLES,
        "subscriptions": "core/subscriptions",
        "policy": current_policy,
    },
    rule=table,
    has_canaries=True,
    per="customer",
    owners=OWNERS,
)
