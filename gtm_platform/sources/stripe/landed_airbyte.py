"""Stripe's records in the tables that Airbyte lands: the API's own records, as its version of 2022-11-15 has them.

That version knows a single discount of a subscription, with its coupon in it, and has tiers in plans only.
"""

from gtm_platform.sources.landed.scope import Shape
from gtm_platform.sources.landed.system import AIRBYTE, Lacking, LandedSystem, Part
from gtm_platform.sources.landed.values import (
    Changed,
    Constant,
    Either,
    IsDeleted,
    Member,
    Rows,
    Where,
    document,
    first_of,
    instant,
    row,
    same,
    times,
    value,
)
from gtm_platform.sources.stripe.pricing import landed_pricing

UPDATED = instant("updated", "created")
CHANGED: dict[str, Shape] = {"changed_at": Changed()}
GONE: dict[str, Shape] = {**CHANGED, "deleted": IsDeleted()}


def _documents(*names: str) -> dict[str, Shape]:
    return {name: document(name) for name in names}


LINES = Rows(
    ("invoice_line_items",),
    {"invoice_id": "id"},
    {**same("id", "description", "amount", "quantity"), **_documents("period", "price")},
    "id",
)
CUSTOMERS = Part(
    "customers",
    {
        **same("id", "email", "name", "currency", "delinquent", "balance"),
        **times("created"),
        **_documents("address", "metadata"),
    },
    GONE,
    changed=UPDATED,
)
SUBSCRIPTIONS = Part(
    "subscriptions",
    {
        **same("id", "status", "currency", "cancel_at_period_end", "test_clock"),
        **times("created", "start_date", "current_period_end", "cancel_at", "canceled_at", "ended_at", "trial_end"),
        "customer": {
            "id": value("customer"),
            "discount": row("customers", by={"id": "customer"}, shape=document("discount")),
        },
        **_documents("pause_collection", "cancellation_details", "discount", "items"),
    },
    CHANGED,
    changed=UPDATED,
    # A subscription that was "deleted" is canceled and still there.
    keeps_deleted=True,
)
INVOICES = Part(
    "invoices",
    {
        **same("id", "customer", "customer_email", "subscription", "number", "status", "currency", "total"),
        **same("amount_due", "amount_paid", "amount_remaining", "attempt_count", "billing_reason"),
        "amount_paid_off_stripe": first_of(
            value("amount_paid_off_stripe"),
            Where(("paid_out_of_band",), value("amount_paid"), equals="true"),
            Constant("0"),
        ),
        **times("created", "due_date", "next_payment_attempt"),
        "status_transitions": document("status_transitions"),
        "lines": {"data": Either((LINES, Member("lines", "data", is_json=True)), "json")},
    },
    GONE,
    changed=UPDATED,
)
CHARGES = Part(
    "charges",
    {
        **same("id", "customer", "payment_intent", "amount", "amount_captured", "amount_refunded", "currency"),
        **same("status", "failure_code", "disputed"),
        **times("created"),
    },
    CHANGED,
    changed=UPDATED,
)


def _of_charge(table: str) -> Part:
    """Refunds and disputes, which are of a charge each."""
    record = {**same("id", "charge", "amount", "currency", "status", "reason"), **times("created")}
    return Part(table, record, CHANGED, changed=UPDATED)


PRICES = Part(
    "prices",
    {
        **same("id", "product", "nickname", "lookup_key", "currency", "unit_amount", "unit_amount_decimal"),
        **same("billing_scheme", "tiers_mode", "active"),
        **times("created"),
        **_documents("recurring", "metadata", "transform_quantity"),
        "tiers": Either((document("tiers"), row("plans", by={"id": "id"}, shape=document("tiers"))), "json"),
    },
)
COUPONS = Part(
    "coupons",
    {
        **same("id", "name", "percent_off", "amount_off", "currency", "duration", "duration_in_months"),
        **times("created"),
        "applies_to": document("applies_to"),
    },
)

AIRBYTE_STRIPE = LandedSystem(
    "stripe",
    "Stripe",
    AIRBYTE,
    {
        "customers": (CUSTOMERS,),
        "subscriptions": (SUBSCRIPTIONS,),
        "products": (
            Part("products", {**same("id", "name", "active"), **times("created"), "metadata": document("metadata")}),
        ),
        "prices": (PRICES,),
        "coupons": (COUPONS,),
        "invoices": (INVOICES,),
        "charges": (CHARGES,),
        "refunds": (_of_charge("refunds"),),
        "disputes": (_of_charge("disputes"),),
    },
    # Stripe sends the products of a coupon only where they are asked for.
    lacking={"coupons": Lacking("which products a coupon is for", unless="coupons.applies_to")},
    finish={"subscriptions": landed_pricing},
)
