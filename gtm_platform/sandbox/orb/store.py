"""Orb's store: customers, plans and their prices, subscriptions with price intervals, invoices, credit notes.

Instants are aware, in UTC; amounts are decimals in major units. What a record's status is follows from its instants and
the clock, so only instants are kept.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(slots=True)
class OrbTier:
    """A step of a tiered or bulk price, up to and with a number of units; None on the last one."""

    last_unit: int | None
    amount: Decimal


@dataclass(slots=True)
class OrbPrice:
    """A price of a plan."""

    id: str
    name: str
    currency: str  # upper case
    created: datetime
    cadence: str
    duration: int
    duration_unit: str = "month"  # or day
    price_type: str = "fixed_price"  # or usage_price
    model_type: str = "unit"  # | tiered | bulk | package
    amount: Decimal = Decimal(0)  # of a unit or a package
    tiers: list[OrbTier] = field(default_factory=list)
    package_size: int = 1
    quantity: int | None = None  # what it begins with
    billing_mode: str = "in_advance"


@dataclass(slots=True)
class OrbPlan:
    """What can be subscribed to, in one currency."""

    id: str
    name: str
    external_plan_id: str
    currency: str
    created: datetime
    prices: list[OrbPrice]
    version: int = 1
    status: str = "active"
    trial_days: int | None = None


@dataclass(slots=True)
class OrbInterval:
    """A price of a subscription for some time, with the quantities that come to hold on the way."""

    id: str
    price: OrbPrice
    start: datetime
    end: datetime | None = None
    quantities: list[tuple[datetime, int]] = field(default_factory=list)


@dataclass(slots=True)
class OrbAdjustment:
    """A discount or a minimum on some price intervals.

    The amount is a share of 1, or money per billing cycle.
    """

    id: str
    kind: str  # percentage_discount | amount_discount | minimum
    amount: Decimal
    start: datetime
    end: datetime | None
    intervals: list[str]


@dataclass(slots=True)
class OrbSubscription:
    """A subscription; an end in the future is a cancellation that was scheduled."""

    id: str
    customer: str
    plan: str | None  # none: made of prices of its own
    name: str
    created: datetime
    start: datetime
    end: datetime | None = None
    trial_end: datetime | None = None
    intervals: list[OrbInterval] = field(default_factory=list)
    adjustments: list[OrbAdjustment] = field(default_factory=list)
    net_terms: int = 0
    periods: list[datetime] = field(default_factory=list)  # the boundaries so far, and the next one
    auto_collection: bool = True


@dataclass(slots=True)
class OrbCustomer:
    """Who pays."""

    id: str
    external_customer_id: str | None
    name: str
    email: str
    created: datetime
    currency: str
    payment_provider: str | None = None
    payment_provider_id: str | None = None
    city: str | None = None
    country: str | None = None
    timezone: str = "America/New_York"
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class OrbLine:
    """One line of an invoice."""

    id: str
    name: str
    price: OrbPrice
    quantity: Decimal
    amount: Decimal
    subtotal: Decimal  # before discounts
    start: datetime
    end: datetime


@dataclass(slots=True)
class OrbAttempt:
    """One attempt to take money."""

    id: str
    amount: Decimal
    at: datetime
    succeeded: bool


@dataclass(slots=True)
class OrbInvoice:
    """What a customer owes, or owed."""

    id: str
    number: str
    customer: str
    subscription: str
    currency: str
    created: datetime
    date: datetime
    lines: list[OrbLine]
    subtotal: Decimal
    total: Decimal
    due: datetime
    status: str = "draft"  # | issued | paid | void
    issued: datetime | None = None
    paid: datetime | None = None
    voided: datetime | None = None
    failed: datetime | None = None
    next_attempt: datetime | None = None
    attempts: list[OrbAttempt] = field(default_factory=list)
    auto_collection: bool = True


@dataclass(slots=True)
class OrbCreditNote:
    """Money given back, or a debt that is let go."""

    id: str
    number: str
    customer: str
    invoice: str
    total: Decimal
    created: datetime
    type: str = "refund"  # or adjustment


@dataclass
class OrbStore:
    """All by id."""

    plans: dict[str, OrbPlan] = field(default_factory=dict)
    customers: dict[str, OrbCustomer] = field(default_factory=dict)
    subscriptions: dict[str, OrbSubscription] = field(default_factory=dict)
    invoices: dict[str, OrbInvoice] = field(default_factory=dict)
    credit_notes: dict[str, OrbCreditNote] = field(default_factory=dict)
