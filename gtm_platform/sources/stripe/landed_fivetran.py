"""Stripe's records in the tables that Fivetran lands: objects flattened, lists in tables of their own.

The tables do not say when a record changed, but when Fivetran last wrote it.
"""

from gtm_platform.sources.landed.scope import Shape
from gtm_platform.sources.landed.system import FIVETRAN, Account, Lacking, LandedSystem, Part
from gtm_platform.sources.landed.values import (
    Changed,
    Constant,
    Either,
    IsDeleted,
    Joined,
    Rows,
    Where,
    document,
    first_of,
    instant,
    present,
    row,
    rows,
    same,
    seconds,
    times,
    value,
)
from gtm_platform.sources.stripe.pricing import landed_pricing

WRITTEN, CREATED = instant("_fivetran_synced"), instant("created")
CHANGED: dict[str, Shape] = {"changed_at": Changed()}
GONE: dict[str, Shape] = {**CHANGED, "deleted": IsDeleted()}
PRICES = ("price", "plan")  # of accounts from before there were prices, only the second is filled
TIER = (
    *("flat_amount", "flat_amount_decimal"),
    *("unit_amount", "unit_amount_decimal", "up_to"),
)
PRICE: dict[str, Shape] = {
    **same("id", "nickname", "lookup_key", "currency", "unit_amount_decimal", "tiers_mode", "active"),
    "created": seconds("created"),
    "product": value("product_id", "product"),
    "unit_amount": value("unit_amount", "amount"),
    "billing_scheme": first_of(value("billing_scheme"), Constant("per_unit")),
    "recurring": present(
        "recurring_interval",
        "interval",
        shape={
            "interval": value("recurring_interval", "interval"),
            "interval_count": value("recurring_interval_count", "interval_count"),
            "usage_type": first_of(value("recurring_usage_type", "usage_type"), Constant("licensed")),
        },
    ),
    "transform_quantity": present(
        "transform_quantity_divide_by",
        shape={
            "divide_by": value("transform_quantity_divide_by"),
            "round": value("transform_quantity_round"),
        },
    ),
    "tiers": Rows(("tier", "price_tier"), {"price_id": "id"}, same(*TIER), "up_to"),
    "metadata": document("metadata"),
}


def _discounts(column: str) -> Either:
    """The discounts of what a column names, be it a customer, a subscription or an item of one."""
    shape = {"id": value("id"), **times("start", "end"), "coupon": value("coupon_id")}
    return rows("discount", by={"type_id": column}, shape=shape, order="id")


def _discount_of_customer() -> Shape:
    shape = {"id": value("id"), **times("start", "end"), "coupon": value("coupon_id")}
    return row("discount", by={"type_id": "customer_id"}, shape=shape)


ITEM: dict[str, Shape] = {
    **same("id", "quantity"),
    **times("current_period_start", "current_period_end"),
    "price": row(*PRICES, by={"id": "plan_id"}, shape=PRICE),
    "discounts": _discounts("id"),
}
CURRENCY_OF_ITEM = row(
    "subscription_item",
    by={"subscription_id": "id"},
    shape=row(*PRICES, by={"id": "plan_id"}, shape=value("currency")),
)
SUBSCRIPTIONS = Part(
    ("subscription_history", "subscription"),
    {
        **same("id", "status", "cancel_at_period_end"),
        **times("created", "start_date", "current_period_end", "cancel_at", "canceled_at", "ended_at", "trial_end"),
        "customer": {"id": value("customer_id"), "discount": _discount_of_customer()},
        "currency": first_of(value("currency"), CURRENCY_OF_ITEM),
        "pause_collection": present(
            "pause_collection_behavior", shape={"behavior": value("pause_collection_behavior")}
        ),
        "cancellation_details": same("reason", "feedback", "comment", prefix="cancellation_details_"),
        "test_clock": value("test_clock_id", "test_clock"),
        "discounts": _discounts("id"),
        "items": {
            "data": rows("subscription_item", by={"subscription_id": "id"}, shape=ITEM, order="id"),
        },
    },
    CHANGED,
    changed=WRITTEN,
    created=CREATED,
)
LINE: dict[str, Shape] = {
    "id": value("unique_id", "id"),
    **same("description", "amount", "quantity"),
    "pricing": {"price_details": {"price": value("price_id", "plan_id")}},
    "period": times("start", "end", prefix="period_"),
}
INVOICES = Part(
    "invoice",
    {
        **same("id", "customer_email", "number", "status", "currency", "total", "amount_due", "amount_paid"),
        **same("amount_remaining", "amount_paid_off_stripe", "attempt_count", "billing_reason"),
        **times("created", "due_date", "next_payment_attempt"),
        "customer": value("customer_id"),
        "subscription": value("subscription_id"),
        "status_transitions": times("paid_at", prefix="status_transitions_"),
        "lines": {"data": rows("invoice_line_item", by={"invoice_id": "id"}, shape=LINE, order="unique_id")},
    },
    GONE,
    changed=WRITTEN,
    created=CREATED,
)
CHARGES = Part(
    "charge",
    {
        **same("id", "amount", "amount_refunded", "currency", "status", "failure_code"),
        "created": seconds("created"),
        "customer": value("customer_id"),
        "payment_intent": value("payment_intent_id"),
        # Of a charge that was captured in part, what was not counts as refunded.
        "amount_captured": first_of(
            value("amount_captured"), Where(("captured",), value("amount"), equals="true"), Constant("0")
        ),
        "disputed": first_of(
            value("disputed"), row("dispute", by={"charge_id": "id"}, shape=Constant("true")), Constant("false")
        ),
    },
    CHANGED,
    changed=WRITTEN,
    created=CREATED,
)
CUSTOMERS = Part(
    "customer",
    {
        **same("id", "email", "name", "currency", "delinquent"),
        "balance": value("balance", "account_balance"),
        "created": seconds("created"),
        "address": same("country", "city", prefix="address_"),
        "metadata": document("metadata"),
    },
    GONE,
    changed=WRITTEN,
    created=CREATED,
)
# Fivetran's key opens either live or test data, which lie apart as two accounts would.
MODE = row("customer", by={}, shape=first_of(Where(("livemode",), Constant("live"), equals="true"), Constant("test")))


def _of_charge(table: str) -> Part:
    """Refunds and disputes, which are of a charge each."""
    record = {**same("id", "amount", "currency", "status", "reason"), "charge": value("charge_id"), **times("created")}
    return Part(table, record, CHANGED, changed=WRITTEN, created=CREATED)


FIVETRAN_STRIPE = LandedSystem(
    "stripe",
    "Stripe",
    FIVETRAN,
    {
        "customers": (CUSTOMERS,),
        "subscriptions": (SUBSCRIPTIONS,),
        "products": (
            Part(
                "product",
                {**same("id", "name", "active"), **times("created"), "metadata": document("metadata")},
            ),
        ),
        "prices": (Part(PRICES, PRICE),),
        "coupons": (
            Part(
                "coupon",
                {
                    **same("id", "name", "percent_off", "amount_off", "currency", "duration", "duration_in_months"),
                    "created": seconds("created"),
                    "applies_to": present("applies_to_products", shape={"products": document("applies_to_products")}),
                },
            ),
        ),
        "invoices": (INVOICES,),
        "charges": (CHARGES,),
        "refunds": (_of_charge("refund"),),
        "disputes": (_of_charge("dispute"),),
    },
    accounts=(Account("account", Joined((value("id"), Constant("/"), MODE)), "Stripe account {id} mode"),),
    # Stripe sends the products of a coupon only where they are asked for.
    lacking={"coupons": Lacking("which products a coupon is for", unless="coupon.applies_to_products")},
    finish={"subscriptions": landed_pricing},
)
