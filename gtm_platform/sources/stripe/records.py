"""Stripe's records: field names of ours, paths into theirs, in the shape of now and, where it moved, of before."""

from typing import Any

from pydantic import AliasChoices, AliasPath, Field

from gtm_platform.connect.records import (
    Amount,
    Id,
    Instant,
    MaybeAmount,
    MaybeBool,
    MaybeId,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Record,
    Whole,
    at,
)

MOVED = "Instant of the newest event about it, or of its creation."
LEADING = "Of the item with the largest monthly amount."


def either(*places: tuple[str | int, ...], about: str = "") -> Any:
    """Where a field lies now, and where it lay before."""
    paths = [AliasPath(str(first), *deeper) for first, *deeper in places]
    return Field(None, validation_alias=AliasChoices(*paths), description=about)


class Customer(Record):
    """Who pays, at Stripe."""

    id: Id = at("id", default=...)
    email: MaybeText = at("email", personal=True)
    name: MaybeText = at("name", personal=True)
    currency: MaybeText = at("currency", about="None until first billed.")
    delinquent: MaybeBool = at("delinquent", about="The newest charge failed, or the newest invoice is overdue.")
    balance: MaybeInt = at("balance", about="Minor units; below nothing it is a credit, which is no payment.")
    country: MaybeText = at("address", "country")
    city: MaybeText = at("address", "city", personal=True)
    company_domain: MaybeText = at("metadata", "company_domain")
    workspace_id: MaybeText = at("metadata", "workspace_id")
    created_at: MaybeInstant = at("created")
    deleted: bool = at("deleted", default=False)
    moved_at: Instant = at("moved_at", default=..., about=MOVED)

    def is_gone(self) -> bool:
        return self.deleted


class Phase(Record):
    begins: MaybeInstant
    ends: MaybeInstant
    mrr: Whole
    arr: Amount
    trial_mrr: Whole


class Subscription(Record):
    """What a customer subscribes to, and what it is worth."""

    id: Id = at("id", default=...)
    customer_id: Id = at("customer", default=...)
    status: Id = at("status", default=...)
    currency: Id = at("currency", default=...)
    created_at: Instant = at("created", default=...)
    started_at: MaybeInstant = at("start_date")
    current_period_end: MaybeInstant = either(("gtm_item", "current_period_end"), ("current_period_end",))
    cancel_at: MaybeInstant = at("cancel_at")
    cancel_at_period_end: MaybeBool = at("cancel_at_period_end")
    canceled_at: MaybeInstant = at("canceled_at")
    ended_at: MaybeInstant = at("ended_at")
    trial_end: MaybeInstant = at("trial_end", about="Stays set after the trial.")
    paused_collection: MaybeText = at("pause_collection", "behavior")
    cancel_reason: MaybeText = at("cancellation_details", "reason")
    cancel_feedback: MaybeText = at("cancellation_details", "feedback")
    product_id: MaybeId = at("gtm_item", "price", "product", about=LEADING)
    price_id: MaybeId = at("gtm_item", "price", "id", about=LEADING)
    unit_amount: MaybeAmount = either(
        ("gtm_item", "price", "unit_amount_decimal"), ("gtm_item", "price", "unit_amount"), about="Minor units."
    )
    interval: MaybeText = at("gtm_item", "price", "recurring", "interval")
    interval_count: MaybeInt = at("gtm_item", "price", "recurring", "interval_count")
    quantity: MaybeInt = at("gtm_item", "quantity")
    phases: list[Phase] = at(
        "gtm_phases", default=..., about="Its worth as discounts come and go, in minor units; covers all time."
    )
    moved_at: Instant = at("moved_at", default=..., about=MOVED)


class Product(Record):
    """What is sold."""

    id: Id = at("id", default=...)
    name: MaybeText = at("name")
    active: MaybeBool = at("active")
    tier: MaybeText = at("metadata", "tier")
    created_at: MaybeInstant = at("created")


class Price(Record):
    """At which price it is sold; archived prices are still billed."""

    id: Id = at("id", default=...)
    product_id: MaybeId = at("product")
    nickname: MaybeText = at("nickname")
    lookup_key: MaybeText = at("lookup_key")
    tier: MaybeText = at("metadata", "tier")
    currency: MaybeText = at("currency")
    unit_amount: MaybeAmount = either(("unit_amount_decimal",), ("unit_amount",), about="Minor units; None with tiers.")
    interval: MaybeText = at("recurring", "interval")
    interval_count: MaybeInt = at("recurring", "interval_count")
    usage_type: MaybeText = at("recurring", "usage_type")
    billing_scheme: MaybeText = at("billing_scheme")
    tiers_mode: MaybeText = at("tiers_mode")
    active: MaybeBool = at("active")
    created_at: MaybeInstant = at("created")


class Coupon(Record):
    """At what reduction."""

    id: Id = at("id", default=...)
    name: MaybeText = at("name")
    percent_off: MaybeAmount = at("percent_off")
    amount_off: MaybeInt = at("amount_off", about="Minor units, per invoice.")
    currency: MaybeText = at("currency")
    duration: MaybeText = at("duration")
    duration_in_months: MaybeInt = at("duration_in_months")
    product_ids: list[str] = at("applies_to", "products", default=[], about="Empty: it is for all.")
    created_at: MaybeInstant = at("created")


class Invoice(Record):
    """What was billed."""

    id: Id = at("id", default=...)
    customer_id: MaybeId = at("customer")
    subscription_id: MaybeId = either(("parent", "subscription_details", "subscription"), ("subscription",))
    number: MaybeText = at("number", about="None while it is a draft.")
    status: MaybeText = at("status")
    currency: MaybeText = at("currency")
    total: MaybeInt = at("total")
    amount_due: MaybeInt = at("amount_due")
    amount_paid: MaybeInt = at("amount_paid")
    amount_remaining: MaybeInt = at("amount_remaining")
    amount_paid_off_stripe: MaybeInt = at("amount_paid_off_stripe", about="Payments taken outside Stripe.")
    attempt_count: MaybeInt = at("attempt_count")
    next_payment_attempt_at: MaybeInstant = at("next_payment_attempt", about="None when dunning has ended.")
    due_at: MaybeInstant = at("due_date")
    paid_at: MaybeInstant = at("status_transitions", "paid_at")
    billing_reason: MaybeText = at("billing_reason")
    created_at: MaybeInstant = at("created")
    deleted: bool = at("deleted", default=False, about="A draft that was thrown away.")
    moved_at: Instant = at("moved_at", default=..., about=MOVED)

    def is_gone(self) -> bool:
        return self.deleted


class Charge(Record):
    """Money taken, or refused."""

    id: Id = at("id", default=...)
    customer_id: MaybeId = at("customer", about="None for guests.")
    payment_intent_id: MaybeId = at("payment_intent")
    amount: Whole = at("amount", default=...)
    amount_captured: MaybeInt = at("amount_captured")
    amount_refunded: MaybeInt = at("amount_refunded")
    currency: Id = at("currency", default=...)
    status: MaybeText = at("status")
    failure_code: MaybeText = at("failure_code")
    disputed: MaybeBool = at("disputed")
    created_at: Instant = at("created", default=...)
    moved_at: Instant = at("moved_at", default=..., about=MOVED)


class Refund(Record):
    """Money given back."""

    id: Id = at("id", default=...)
    charge_id: MaybeId = at("charge")
    amount: Whole = at("amount", default=...)
    currency: Id = at("currency", default=...)
    status: MaybeText = at("status")
    reason: MaybeText = at("reason")
    created_at: Instant = at("created", default=...)
    moved_at: Instant = at("moved_at", default=..., about=MOVED)


class Dispute(Record):
    """Money that a customer's bank wants back."""

    id: Id = at("id", default=...)
    charge_id: MaybeId = at("charge")
    amount: Whole = at("amount", default=...)
    currency: Id = at("currency", default=...)
    status: MaybeText = at("status")
    reason: MaybeText = at("reason")
    created_at: Instant = at("created", default=...)
    moved_at: Instant = at("moved_at", default=..., about=MOVED)
