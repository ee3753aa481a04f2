"""`core/revenue`: what the customer pays, has paid and owes, and for which plan."""

from datetime import date

import ibis

from gtm_platform.core import ledger
from gtm_platform.core import subscriptions as subscription_rules
from gtm_platform.identity.former_records import with_former
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import Money, Policy
from gtm_platform.policy import policy as current_policy

BILLING, COPY = "stripe", "intercom"  # who bills, and who keeps a copy of what is billed

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
        "mrr_source": Column("string", "stripe, else intercom.", rule=lambda v: v.isin([BILLING, COPY])),
    },
    key=("customer_id",),
    about="MRR, plan, payments and debts of each customer; null for whom no system bills.",
    figures={
        "mrr": lambda t: t["mrr_reporting"].sum(),
        "paying": lambda t: (t["mrr_reporting"] > 0).sum(),
        "delinquent": lambda t: t["is_delinquent"].sum(),
    },
)

COUNTING = ("active", "past_due")
PERIODS_A_YEAR = {"month": 12, "year": 1, "week": 52, "day": 365}


def table(
    people: ibis.Table,
    links: ibis.Table,
    former: ibis.Table,
    intercom: ibis.Table,
    stripe: ibis.Table,
    subscriptions: ibis.Table,
    products: ibis.Table,
    prices: ibis.Table,
    invoices: ibis.Table,
    charges: ibis.Table,
    refunds: ibis.Table,
    disputes: ibis.Table,
    policy: Policy,
    day: date,
) -> ibis.Table:
    """Return a row per customer."""
    payers = with_former(links, former, BILLING).select("customer_id", payer="record_id")
    running = subscription_rules.counted(subscriptions, policy.stripe, day)
    lines = ledger.lines(stripe, running.view(), invoices, charges, refunds, disputes, day)
    plans = _plans(_leading(running.view(), payers, policy.money), products, prices)
    billed = _billed(left_join_all(ledger.summed(lines, payers, policy.money), [plans]), policy.money)
    not_billed = people.filter(people["intercom_contact_id"].notnull()).anti_join(payers, "customer_id")
    copied = _copied(not_billed.join(intercom, not_billed["intercom_contact_id"] == intercom["id"]), policy.money)
    return left_join_all(people.select("customer_id"), [billed.union(copied)])


def _leading(subscriptions: ibis.Table, payers: ibis.Table, rules: Money) -> ibis.Table:
    """Return [customer_id, lead, newest]: the subscription with the largest MRR, and the newest, of each customer."""
    owned = subscriptions.rename(payer="customer_id").join(payers, "payer")
    worth = money.reported(money.major(owned["mrr"], owned["currency"]), owned["currency"], rules).fill_null(0)
    at = {"created_at": owned["created_at"], "id": owned["id"]}
    fields = ("product_id", "price_id", "unit_amount", "currency", "current_period_end")
    return owned.group_by("customer_id").agg(
        lead=ibis.struct({"worth": worth, **at, **{name: owned[name] for name in fields}}).max(),
        newest=ibis.struct({"came": ~owned["status"].startswith("incomplete"), **at, "status": owned["status"]}).max(),
    )


def _plans(leading: ibis.Table, products: ibis.Table, prices: ibis.Table) -> ibis.Table:
    named = products.select(product_id="id", plan_name="name", product_tier="tier")
    priced = prices.select("nickname", "lookup_key", price_id="id", price_tier="tier")
    lead = leading["lead"]
    plans = leading.select(
        "customer_id",
        **{name: lead[name] for name in ("product_id", "price_id", "unit_amount", "current_period_end")},
        plan_currency=lead["currency"],
        subscription_status=leading["newest"]["status"],
    )
    plans = left_join_all(left_join_all(plans, [named], "product_id"), [priced], "price_id")
    tiers = [plans[name].nullif("") for name in ("price_tier", "product_tier", "nickname", "lookup_key")]
    return plans.mutate(plan_tier=ibis.coalesce(*tiers)).drop("product_id", "price_id", "nickname", "lookup_key")


def _billed(payers: ibis.Table, rules: Money) -> ibis.Table:
    """Return what Stripe bills, in the customer's currency, or in the reporting one where it uses several."""
    several = payers["currencies"] > 1
    plan_price = money.major(payers["unit_amount"], payers["plan_currency"])
    in_reporting = money.reported(plan_price, payers["plan_currency"], rules)
    own = ibis.ifelse(payers["currencies"] == 0, payers["plan_currency"], payers["currency"])
    return payers.select(
        "customer_id",
        mrr=money.shown(ibis.ifelse(several, payers["mrr_reporting"], payers["mrr"])),
        mrr_reporting=money.shown(payers["mrr_reporting"]),
        arr=money.shown(ibis.ifelse(several, payers["arr_reporting"], payers["arr"])),
        ltv=money.shown(ibis.ifelse(several, payers["cash_reporting"], payers["cash"])),
        currency=ibis.ifelse(several, rules.reporting_currency, ibis.coalesce(own, payers["currency"])),
        plan_name="plan_name",
        plan_tier="plan_tier",
        plan_price=money.shown(ibis.ifelse(several, in_reporting, plan_price)),
        subscription_status="subscription_status",
        is_delinquent="owes",
        failed_payments_30d="failed",
        current_period_end="current_period_end",
        first_paid_at="first_paid_at",
        mrr_source=ibis.literal(BILLING),
    )


def _copied(contacts: ibis.Table, rules: Money) -> ibis.Table:
    """Return what Intercom copied from Stripe, of contacts of whom Stripe itself has no record.

    The copy names no currency: it is taken for the reporting one.
    """
    contacts = contacts.filter(contacts["stripe_subscription_status"].notnull())
    price = money.exact(contacts["stripe_plan_price"])
    a_year = contacts["stripe_plan_interval"].cases(*PERIODS_A_YEAR.items()).cast("int64")
    arr = ibis.ifelse(contacts["stripe_subscription_status"].isin(COUNTING), price * a_year, 0).cast("decimal(24, 6)")
    mrr = money.shown((arr / 12).cast(money.EXACT))
    absent = {name: ibis.null(CONTRACT.schema[name]) for name in ("ltv", "current_period_end", "first_paid_at")}
    return contacts.select(
        "customer_id",
        mrr=mrr,
        mrr_reporting=mrr,
        arr=money.shown(arr),
        ltv=absent["ltv"],
        currency=ibis.literal(rules.reporting_currency),
        plan_name="stripe_plan",
        plan_tier="plan_tier",
        plan_price=money.shown(price),
        subscription_status="stripe_subscription_status",
        is_delinquent="stripe_delinquent",
        failed_payments_30d=ibis.null("int64"),
        current_period_end=absent["current_period_end"],
        first_paid_at=absent["first_paid_at"],
        mrr_source=ibis.literal(COPY),
    )


TABLE = DailyTable(
    "core/revenue",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "former": "identity/former_records",
        "intercom": "intercom/contacts",
        "stripe": "stripe/customers",
        "subscriptions": "stripe/subscriptions",
        "products": "stripe/products",
        "prices": "stripe/prices",
        "invoices": "stripe/invoices",
        "charges": "stripe/charges",
        "refunds": "stripe/refunds",
        "disputes": "stripe/disputes",
        "policy": current_policy,
    },
    rule=table,
)
