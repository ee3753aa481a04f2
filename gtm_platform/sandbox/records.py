"""What each system holds: plain records, one store per system. The world writes them as its clock moves; the emulators
render them in the shape of each API, and change them when they are written to. All instants are aware UTC datetimes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

# --- HubSpot -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class HubSpotRecord:
    """A contact, company, deal, note, call, meeting, email or task. `properties` are wire strings, without
    `hs_object_id` and the created/modified dates: those are rendered from `id`, `created` and `updated`."""

    id: str
    properties: dict[str, str]
    created: datetime
    updated: datetime
    archived: datetime | None = None
    merged_into: str | None = None  # the winner's id; the loser is gone from lists and forwards on get-by-id
    links: dict[str, dict[str, set[int]]] = field(default_factory=dict)  # "companies" -> company id -> type ids


@dataclass(slots=True)
class HubSpotOwner:
    id: str
    user_id: int
    email: str
    first_name: str
    last_name: str
    created: datetime
    updated: datetime
    archived: bool = False


@dataclass
class HubSpotStore:
    """`objects` by type name ("contacts", "companies", "deals", "notes", "calls", "meetings", "emails", "tasks")."""

    objects: dict[str, dict[str, HubSpotRecord]] = field(default_factory=dict)
    owners: dict[str, HubSpotOwner] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)  # wire shape, deals only
    properties: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # type -> name -> wire definition
    groups: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # type -> name -> wire group
    next_id: int = 1


# --- Stripe --------------------------------------------------------------------------------------------------------
# Amounts are integers in the currency's minor unit; currency codes are lower case.


@dataclass(slots=True)
class StripeProduct:
    id: str
    name: str
    created: datetime
    updated: datetime
    active: bool = True
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class StripeTier:
    up_to: int | None
    unit_amount: Decimal | None
    flat_amount: Decimal | None


@dataclass(slots=True)
class StripePrice:
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
    id: str
    coupon: str
    start: datetime
    end: datetime | None = None


@dataclass(slots=True)
class StripeCustomer:
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
    id: str
    price: str
    quantity: int | None
    created: datetime
    period_start: datetime
    period_end: datetime
    discounts: list[StripeDiscount] = field(default_factory=list)


@dataclass(slots=True)
class StripeSubscription:
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


# --- Intercom ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class IntercomContact:
    id: str
    role: str  # user | lead
    email: str | None
    name: str | None
    created: datetime
    updated: datetime
    external_id: str | None = None
    phone: str | None = None
    owner_id: int | None = None
    signed_up: datetime | None = None
    last_seen: datetime | None = None
    last_replied: datetime | None = None
    last_contacted: datetime | None = None
    country: str | None = None  # a country's name, as Intercom shows it
    country_code: str | None = None  # three letters
    city: str | None = None
    custom_attributes: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    companies: list[str] = field(default_factory=list)
    merged_into: str | None = None
    deleted: datetime | None = None


@dataclass(slots=True)
class IntercomCompany:
    id: str
    company_id: str
    name: str
    created: datetime
    updated: datetime
    website: str | None = None
    industry: str | None = None
    size: int | None = None
    plan: str | None = None
    monthly_spend: int = 0
    last_request: datetime | None = None
    session_count: int = 0
    tags: list[str] = field(default_factory=list)
    custom_attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class IntercomPart:
    id: str
    part_type: str
    body: str | None  # HTML
    created: datetime
    author_type: str  # user | lead | admin | bot
    author_id: str
    author_name: str | None = None
    author_email: str | None = None


@dataclass(slots=True)
class IntercomRating:
    requested: datetime
    rating: int | None = None  # None: asked for, not answered
    remark: str | None = None
    replied: datetime | None = None
    admin_id: str | None = None


@dataclass(slots=True)
class IntercomConversation:
    id: str
    contact_id: str
    created: datetime
    updated: datetime
    subject: str
    body: str  # HTML, the first message
    author_type: str
    author_name: str | None
    author_email: str | None
    state: str = "open"  # open | closed | snoozed
    read: bool = False
    priority: str = "not_priority"
    admin_id: int | None = None
    team_id: int | None = None
    tags: list[tuple[str, datetime]] = field(default_factory=list)  # tag id, when applied
    rating: IntercomRating | None = None
    waiting_since: datetime | None = None
    snoozed_until: datetime | None = None
    first_admin_reply: datetime | None = None
    last_admin_reply: datetime | None = None
    last_contact_reply: datetime | None = None
    first_close: datetime | None = None
    last_close: datetime | None = None
    reopens: int = 0
    parts: list[IntercomPart] = field(default_factory=list)
    deleted: datetime | None = None


@dataclass(slots=True)
class IntercomTicket:
    id: str
    ticket_id: str
    contact_id: str
    title: str
    description: str
    created: datetime
    updated: datetime
    state: str = "submitted"  # submitted | in_progress | waiting_on_customer | resolved
    category: str = "Customer"
    open: bool = True
    admin_id: str | None = None
    team_id: str | None = None


@dataclass
class IntercomStore:
    """`admins`, `teams` and `data_attributes` are kept in wire shape, `tags` as id -> name."""

    contacts: dict[str, IntercomContact] = field(default_factory=dict)
    companies: dict[str, IntercomCompany] = field(default_factory=dict)
    conversations: dict[str, IntercomConversation] = field(default_factory=dict)
    tickets: dict[str, IntercomTicket] = field(default_factory=dict)
    admins: list[dict[str, Any]] = field(default_factory=list)
    teams: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    data_attributes: list[dict[str, Any]] = field(default_factory=list)
    timezone: str = "America/Los_Angeles"


# --- Slack ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class SlackMessage:
    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    at: datetime
    thread_ts: str | None = None
    edited: datetime | None = None
    metadata: dict[str, Any] | None = None


@dataclass
class SlackStore:
    channels: dict[str, str] = field(default_factory=dict)  # id -> name
    users: dict[str, dict[str, Any]] = field(default_factory=dict)  # email -> wire user
    messages: list[SlackMessage] = field(default_factory=list)
