"""Stripe's store: plain records, which the world writes and the emulator renders and changes. Instants are UTC.

Amounts are integers in the currency's minor unit; currency codes are lower case.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(slots=True)
class StripeProduct:
    """What is sold."""

    id: str
    name: str
    created: datetime
    updated: datetime
    active: bool = True
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class StripeTier:
    """A step of a tiered price, up to and with a quantity."""

    up_to: int | None
    unit_amount: Decimal | None
    flat_amount: Decimal | None


@dataclass(slots=True)
class StripePrice:
    """A price of a product."""

    id: str
    product: str
    currency: str
    created: datetime
    unit_amount: Decimal | None  # may have a fraction of a minor unit; None when tiered
    interval: str | None = "month"  # None: a one-time price
    interval_count: int = 1
    usage_type: str = "licensed"
    tiers_mode: str | None = None  # "graduated" or "volume"
    tiers: list[StripeTier] = field(default_factory=list)
    divide_by: int | None = None  # transform_quantity
    divide_round: str = "up"
    nickname: str | None = None
    lookup_key: str | None = None
    active: bool = True
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class StripeCoupon:
    """A reduction that can be given."""

    id: str
    name: str
    created: datetime
    percent_off: Decimal | None = None
    amount_off: int | None = None
    currency: str | None = None
    duration: str = "forever"  # forever | once | repeating
    duration_in_months: int | None = None
    products: list[str] = field(default_factory=list)  # applies_to; empty: everything


@dataclass(slots=True)
class StripeDiscount:
    """A coupon that was given."""

    id: str
    coupon: str
    start: datetime
    end: datetime | None = None


@dataclass(slots=True)
class StripeCustomer:
    """Who pays."""

    id: str
    created: datetime
    email: str | None
    name: str | None
    currency: str | None = None
    delinquent: bool = False
    country: str | None = None
    city: str | None = None
    discount: StripeDiscount | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    deleted: datetime | None = None


@dataclass(slots=True)
class StripeItem:
    """One price of a subscription, in a quantity."""

    id: str
    price: str
    quantity: int | None
    created: datetime
    period_start: datetime
    period_end: datetime
    discounts: list[StripeDiscount] = field(default_factory=list)


@dataclass(slots=True)
class StripeSubscription:
    """What a customer has subscribed to."""

    id: str
    customer: str
    currency: str
    created: datetime
    status: str
    items: list[StripeItem]
    discounts: list[StripeDiscount] = field(default_factory=list)
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_reason: str | None = None  # cancellation_details.reason
    cancel_feedback: str | None = None
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    pause_behavior: str | None = None  # pause_collection.behavior
    paused_at: datetime | None = None  # with status "paused"
    latest_invoice: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class StripeLine:
    """One line of an invoice."""

    price: str
    item: str
    quantity: int | None
    amount: int
    description: str
    period_start: datetime
    period_end: datetime
    proration: bool = False


@dataclass(slots=True)
class StripeInvoice:
    """What a customer owes, or owed."""

    id: str
    number: str
    customer: str
    subscription: str | None
    currency: str
    created: datetime
    status: str  # draft | open | paid | uncollectible | void
    lines: list[StripeLine]
    subtotal: int
    total: int
    amount_paid: int = 0
    attempt_count: int = 0
    next_payment_attempt: datetime | None = None
    due_date: datetime | None = None
    paid_at: datetime | None = None
    finalized_at: datetime | None = None
    voided_at: datetime | None = None
    uncollectible_at: datetime | None = None
    billing_reason: str = "subscription_cycle"
    collection_method: str = "charge_automatically"


@dataclass(slots=True)
class StripeCharge:
    """One attempt to take money."""

    id: str
    customer: str | None
    invoice: str | None
    payment_intent: str
    amount: int
    currency: str
    created: datetime
    status: str  # succeeded | pending | failed
    failure_code: str | None = None
    amount_refunded: int = 0
    disputed: bool = False
    email: str | None = None
    name: str | None = None


@dataclass(slots=True)
class StripeRefund:
    """Money given back."""

    id: str
    charge: str
    payment_intent: str
    amount: int
    currency: str
    created: datetime
    status: str = "succeeded"
    reason: str | None = "requested_by_customer"


@dataclass(slots=True)
class StripeDispute:
    """A charge contested at the bank."""

    id: str
    charge: str
    payment_intent: str
    amount: int
    currency: str
    created: datetime
    status: str = "needs_response"  # ... won | lost
    reason: str = "fraudulent"


@dataclass(slots=True)
class StripeEvent:
    """Something that happened to an object."""

    id: str
    type: str
    created: datetime
    object: dict[str, Any]  # the object as it was then, in wire shape
    previous: dict[str, Any] = field(default_factory=dict)


@dataclass
class StripeStore:
    """All by id. `events` are kept in the order in which they happened; only the last 30 days are needed."""

    products: dict[str, StripeProduct] = field(default_factory=dict)
    prices: dict[str, StripePrice] = field(default_factory=dict)
    coupons: dict[str, StripeCoupon] = field(default_factory=dict)
    customers: dict[str, StripeCustomer] = field(default_factory=dict)
    subscriptions: dict[str, StripeSubscription] = field(default_factory=dict)
    invoices: dict[str, StripeInvoice] = field(default_factory=dict)
    charges: dict[str, StripeCharge] = field(default_factory=dict)
    refunds: dict[str, StripeRefund] = field(default_factory=dict)
    disputes: dict[str, StripeDispute] = field(default_factory=dict)
    events: list[StripeEvent] = field(default_factory=list)
    account_id: str = "acct_sandbox"
