"""What Stripe knows of people, companies, subscriptions and payments."""

import ibis

from gtm_platform.ingest.feeds import INSTANT, CompanyFeed, Mention, PersonFeed, SubscriptionFeed, Tables

NEVER = ibis.null(INSTANT)


def _subscriptions(tables: Tables, _: ibis.ir.TimestampScalar) -> ibis.Table:
    """Return every subscription, with the plan of the item that it is mostly about."""
    products = tables["stripe/products"].select(product_id="id", plan_name="name", product_tier="tier")
    prices = tables["stripe/prices"].select("nickname", "lookup_key", price_id="id", price_tier="tier")
    rows = tables["stripe/subscriptions"].left_join(products, "product_id").left_join(prices, "price_id")
    tiers = [rows[name].nullif("") for name in ("price_tier", "product_tier", "nickname", "lookup_key")]
    reasons = [rows[name].nullif("") for name in ("cancel_feedback", "cancel_comment", "cancel_reason")]
    return rows.select(
        "status",
        "is_simulated",
        "created_at",
        "started_at",
        "ended_at",
        "currency",
        "phases",
        "plan_name",
        "current_period_end",
        payer="customer_id",
        subscription_id="id",
        pause="paused_collection",
        is_ending=rows["cancel_at_period_end"].fill_null(False) | rows["cancel_at"].notnull(),
        end_reason=ibis.coalesce(*reasons),
        plan_tier=ibis.coalesce(*tiers),
        plan_price="unit_amount",
        list_mrr="list_mrr",
        item_mrr=rows["item_amounts"].map(lambda item: item["mrr"]),
        item_mrr_by_bill=rows["item_amounts"].map(lambda item: item["mrr_by_bill"]),
    )


def _payments(tables: Tables, _: ibis.ir.TimestampScalar) -> ibis.Table:
    """Return what was captured, less what was refunded or lost in a dispute, and what was paid outside Stripe."""
    charges, invoices = tables["stripe/charges"], tables["stripe/invoices"]
    paid = charges["status"] == "succeeded"
    owner = charges.select(charge_id="id", customer_id="customer_id")
    refunds = tables["stripe/refunds"].join(owner, "charge_id")
    refunds = refunds.filter(refunds["status"].isin(["succeeded", "pending"]))
    disputes = tables["stripe/disputes"].join(owner, "charge_id")
    disputes = disputes.filter(disputes["status"] == "lost")
    outside = invoices.filter(invoices["amount_paid_off_stripe"] != 0)
    return ibis.union(
        _payment(
            charges,
            ibis.ifelse(paid, charges["amount_captured"], 0),
            paid_at=ibis.cases((paid & (charges["amount_captured"] > 0), charges["created_at"])),
            failed_at=ibis.cases((charges["status"] == "failed", charges["created_at"])),
        ),
        _payment(refunds, -refunds["amount"], returned_at=refunds["created_at"]),
        _payment(disputes, -disputes["amount"], returned_at=disputes["created_at"]),
        _payment(outside, outside["amount_paid_off_stripe"], paid_at=outside["paid_at"]),
    )


def _payment(
    rows: ibis.Table,
    amount: ibis.Value,
    paid_at: ibis.Value = NEVER,
    failed_at: ibis.Value = NEVER,
    returned_at: ibis.Value = NEVER,
) -> ibis.Table:
    moments = {"paid_at": paid_at, "failed_at": failed_at, "returned_at": returned_at}
    return rows.select("currency", payer="customer_id", amount=amount, **moments)


def _payers(tables: Tables, end: ibis.ir.TimestampScalar) -> ibis.Table:
    """Return who is delinquent, or has a bill past its date; a deleted customer is not delinquent."""
    customers, invoices = tables["stripe/customers"], tables["stripe/invoices"]
    overdue = invoices.filter((invoices["status"] == "open") & (invoices["due_at"] < end))
    overdue = overdue.select("currency", payer="customer_id", owes=True)
    present = customers.select("currency", payer="id", owes="delinquent")
    return present.union(overdue.semi_join(present, "payer"))


FEEDS = (
    PersonFeed(
        "stripe",
        "stripe/customers",
        id_column="stripe_customer_id",
        id_about="Its customer at Stripe; of several the oldest.",
        precedence=30,
        email="email",
        company_domain="company_domain",
        name="name",
        country="country",
        city="city",
        # Stripe does not list a deleted customer, but still its bills and subscriptions.
        mentions=(
            Mention("stripe/invoices", record_id="customer_id", email="customer_email"),
            Mention("stripe/subscriptions", record_id="customer_id"),
        ),
    ),
    CompanyFeed("stripe", "stripe/customers", precedence=30, domain="company_domain"),
    SubscriptionFeed(
        "stripe",
        precedence=10,
        tables=(
            "stripe/customers",
            "stripe/subscriptions",
            "stripe/products",
            "stripe/prices",
            "stripe/invoices",
            "stripe/charges",
            "stripe/refunds",
            "stripe/disputes",
        ),
        subscriptions=_subscriptions,
        payments=_payments,
        payers=_payers,
        payer_of={
            "stripe/customers": "id",
            "stripe/subscriptions": "customer_id",
            "stripe/invoices": "customer_id",
            "stripe/charges": "customer_id",
        },
        payer_through={
            "stripe/refunds": ("stripe/charges", "charge_id"),
            "stripe/disputes": ("stripe/charges", "charge_id"),
        },
    ),
)
