"""Stripe's records: field names of ours, paths into theirs, in the shape of now and, where it moved, of before."""

from gtm_platform.ingest.record import (
    FACTS,
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
    either,
    fact,
)

STRIPE_ID = "What Stripe's other records call it."
CREATED = "When Stripe made the record."
CURRENCY = "Three letters, lower case."
A_BILL = "How many intervals pass from bill to bill: 3 of a month are a quarter."
CHANGED = "Instant of the newest event about it, or of its creation."
LEADING = "Of the item with the largest monthly amount."


class Customer(Record):
    """Who pays: a company or person that Stripe bills for us."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    email: MaybeText = at("email", personal=True, about="Where bills go; not always who uses the product.")
    name: MaybeText = at("name", personal=True, about="Company or person, as on the bill.")
    currency: MaybeText = at("currency", about="None until first billed.")
    delinquent: MaybeBool = at("delinquent", about="The newest charge failed, or the newest invoice is overdue.")
    balance: MaybeInt = at("balance", about="Minor units; below nothing it is a credit, which is no payment.")
    country: MaybeText = at("address", "country", about="Two letters, from the address.")
    city: MaybeText = at("address", "city", personal=True, about="From the address.")
    company_domain: MaybeText = at(
        "metadata", "company_domain", about="Web domain of the company, as noted in Stripe's metadata."
    )
    workspace_id: MaybeText = at(
        "metadata", "workspace_id", about="Workspace in the product, as noted in Stripe's metadata."
    )
    created_at: MaybeInstant = at("created", about=CREATED)
    deleted: bool = fact("deleted", "deleted", default=False, about="The customer was deleted at Stripe.")
    changed_at: Instant = fact("changed_at", default=..., about=CHANGED)

    def is_gone(self) -> bool:
        return self.deleted


class Phase(Record):
    """What a subscription amounts to from one instant on and before another; None is for ever.

    Whatever its status: amounts by the month and by the year, after the discounts of each mode. Which of the modes
    count, and whether the subscription does, is for the policy to say when revenue is computed.
    """

    begins: MaybeInstant
    ends: MaybeInstant
    mrr_forever_only: Whole
    arr_forever_only: Amount
    mrr_recurring: Whole
    arr_recurring: Amount
    mrr_all: Whole
    arr_all: Amount


class ItemAmount(Record):
    """What one item of a subscription amounts to before discounts, in minor units."""

    mrr: Whole
    mrr_by_bill: Whole


class Subscription(Record):
    """What a customer subscribes to, what it is worth, and whether it ends. Ended ones are kept."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    customer_id: Id = either(("customer", "id"), ("customer",), default=..., about="Who subscribes.")
    status: Id = at(
        "status",
        default=...,
        about="active, past_due, trialing, paused, unpaid, canceled, incomplete or incomplete_expired.",
    )
    currency: Id = at("currency", default=..., about=CURRENCY)
    created_at: Instant = at("created", default=..., about=CREATED)
    started_at: MaybeInstant = at("start_date", about="When it began; may be dated back.")
    current_period_end: MaybeInstant = either(
        (FACTS, "leading_item", "current_period_end"),
        ("current_period_end",),
        about=f"When the running billing period ends. {LEADING}",
    )
    cancel_at: MaybeInstant = at("cancel_at", about="When it will end, where that is planned.")
    cancel_at_period_end: MaybeBool = at(
        "cancel_at_period_end", about="It will not be renewed: planned churn, in MRR until it ends."
    )
    canceled_at: MaybeInstant = at("canceled_at", about="When it was canceled, which can be before it ends.")
    ended_at: MaybeInstant = at("ended_at", about="When it really ended.")
    trial_end: MaybeInstant = at("trial_end", about="Stays set after the trial.")
    paused_collection: MaybeText = at(
        "pause_collection",
        "behavior",
        about="keep_as_draft, mark_uncollectible or void while invoices are on hold; the status stays.",
    )
    cancel_reason: MaybeText = at(
        "cancellation_details", "reason", about="Why it ended, such as cancellation_requested or payment_failed."
    )
    cancel_feedback: MaybeText = at(
        "cancellation_details",
        "feedback",
        about="What the customer chose as the reason, such as too_expensive or missing_features.",
    )
    cancel_comment: MaybeText = at(
        "cancellation_details", "comment", personal=True, about="What the customer wrote about why."
    )
    product_id: MaybeId = at(FACTS, "leading_item", "price", "product", about=LEADING)
    price_id: MaybeId = at(FACTS, "leading_item", "price", "id", about=LEADING)
    unit_amount: MaybeAmount = either(
        (FACTS, "leading_item", "price", "unit_amount_decimal"),
        (FACTS, "leading_item", "price", "unit_amount"),
        about=f"Minor units for one; None with tiers. {LEADING}",
    )
    interval: MaybeText = at(
        FACTS,
        "leading_item",
        "price",
        "recurring",
        "interval",
        about=f"Billed by day, week, month or year. {LEADING}",
    )
    interval_count: MaybeInt = at(FACTS, "leading_item", "price", "recurring", "interval_count", about=A_BILL)
    quantity: MaybeInt = at(
        FACTS,
        "leading_item",
        "quantity",
        about=f"Such as seats; None where usage is billed. {LEADING}",
    )
    list_mrr: MaybeInt = fact("list_mrr", about="What it amounts to by the month before discounts, in minor units.")
    item_amounts: list[ItemAmount] = fact(
        "item_amounts",
        default=[],
        about="What each item amounts to by the month before discounts; also where a bill counts as one interval's.",
    )
    is_simulated: bool = fact("is_simulated", default=False, about="It lives in a test clock of Stripe's.")
    phases: list[Phase] = fact(
        "phases", default=..., about="What it amounts to as discounts come and go, in minor units; covers all time."
    )
    changed_at: Instant = fact("changed_at", default=..., about=CHANGED)


class Product(Record):
    """What is sold, such as a plan. What it costs is in the prices."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    name: MaybeText = at("name", about="What customers see, such as the plan's name.")
    active: MaybeBool = at("active", about="Can still be bought.")
    tier: MaybeText = at(
        "metadata", "tier", about="The plan's tier, from the metadata; counts where the price names none."
    )
    created_at: MaybeInstant = at("created", about=CREATED)


class Price(Record):
    """What a product costs, how often and in which currency; archived prices are still billed."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    product_id: MaybeId = at("product", about="What is sold at this price.")
    nickname: MaybeText = at("nickname", about="Name for ourselves; customers do not see it.")
    lookup_key: MaybeText = at("lookup_key", about="Lasting key of our own, such as pro_monthly.")
    tier: MaybeText = at("metadata", "tier", about="The plan's tier, from the metadata.")
    currency: MaybeText = at("currency", about=CURRENCY)
    unit_amount: MaybeAmount = either(("unit_amount_decimal",), ("unit_amount",), about="Minor units; None with tiers.")
    interval: MaybeText = at(
        "recurring", "interval", about="Billed by day, week, month or year; None when it is paid once."
    )
    interval_count: MaybeInt = at("recurring", "interval_count", about=A_BILL)
    usage_type: MaybeText = at(
        "recurring", "usage_type", about="licensed (so many, known before) or metered (by use, not in MRR)."
    )
    billing_scheme: MaybeText = at("billing_scheme", about="per_unit, or tiered where the price depends on how many.")
    tiers_mode: MaybeText = at(
        "tiers_mode", about="graduated: each tier prices its own units; volume: the tier reached prices all."
    )
    active: MaybeBool = at("active", about="False: archived, for no new customers.")
    created_at: MaybeInstant = at("created", about=CREATED)


class Coupon(Record):
    """A reduction that customers can be given."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    name: MaybeText = at("name", about="What customers see on the bill.")
    percent_off: MaybeAmount = at("percent_off", about="Percent of the amount, 0 to 100.")
    amount_off: MaybeInt = at("amount_off", about="Minor units, per invoice.")
    currency: MaybeText = at("currency", about="Of amount_off: three letters, lower case.")
    duration: MaybeText = at("duration", about="forever, once or repeating (for some months).")
    duration_in_months: MaybeInt = at("duration_in_months", about="How long a repeating one lasts.")
    product_ids: list[str] = at("applies_to", "products", default=[], about="Empty: it is for all.")
    created_at: MaybeInstant = at("created", about=CREATED)


class InvoiceLine(Record):
    """What a bill is made up of."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    description: MaybeText = at("description", about="As on the bill.")
    amount: MaybeInt = at("amount", about="Minor units, before discounts of the whole bill.")
    quantity: MaybeInt = at("quantity", about="Such as seats.")
    price_id: MaybeId = either(("pricing", "price_details", "price"), ("price", "id"), about="What it is billed at.")
    begins: MaybeInstant = at("period", "start", about="From when on it is billed.")
    ends: MaybeInstant = at("period", "end", about="Until when it is billed.")


class Invoice(Record):
    """A bill to a customer, and whether it was paid."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    customer_id: MaybeId = at("customer", about="Who is billed.")
    customer_email: MaybeText = at(
        "customer_email", personal=True, about="Where the bill went; kept when the customer is deleted."
    )
    subscription_id: MaybeId = either(
        ("parent", "subscription_details", "subscription"),
        ("subscription",),
        about="What is billed; None for other bills.",
    )
    number: MaybeText = at("number", about="None while it is a draft.")
    status: MaybeText = at("status", about="draft, open, paid, uncollectible or void.")
    currency: MaybeText = at("currency", about=CURRENCY)
    total: MaybeInt = at("total", about="Minor units, after discounts and with taxes.")
    amount_due: MaybeInt = at("amount_due", about="Minor units to be paid, once credit is used.")
    amount_paid: MaybeInt = at("amount_paid", about="Minor units paid so far.")
    amount_remaining: MaybeInt = at("amount_remaining", about="Minor units still to be paid.")
    amount_paid_off_stripe: MaybeInt = at("amount_paid_off_stripe", about="Minor units paid outside Stripe.")
    attempt_count: MaybeInt = at("attempt_count", about="How often payment was tried; above 0 while open, it failed.")
    next_payment_attempt_at: MaybeInstant = at("next_payment_attempt", about="None when dunning has ended.")
    due_at: MaybeInstant = at("due_date", about="Until when to pay; None when charged automatically.")
    paid_at: MaybeInstant = at("status_transitions", "paid_at", about="When it was paid in full.")
    billing_reason: MaybeText = at(
        "billing_reason", about="What caused it, such as subscription_create, subscription_cycle or manual."
    )
    created_at: MaybeInstant = at("created", about=CREATED)
    lines: list[InvoiceLine] = fact("lines", "lines", "data", default=[], about="All that is billed.")
    deleted: bool = fact("deleted", "deleted", default=False, about="A draft that was thrown away.")
    changed_at: Instant = fact("changed_at", default=..., about=CHANGED)

    def is_gone(self) -> bool:
        return self.deleted


class Charge(Record):
    """An attempt to take money from a customer, successful or not."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    customer_id: MaybeId = at("customer", about="None for guests.")
    payment_intent_id: MaybeId = at("payment_intent", about="The payment that it is an attempt at.")
    amount: Whole = at("amount", default=..., about="Minor units to be taken.")
    amount_captured: MaybeInt = at("amount_captured", about="Minor units really taken.")
    amount_refunded: MaybeInt = at("amount_refunded", about="Minor units given back so far.")
    currency: Id = at("currency", default=..., about=CURRENCY)
    status: MaybeText = at("status", about="succeeded, pending or failed.")
    failure_code: MaybeText = at("failure_code", about="Why it failed, such as card_declined.")
    disputed: MaybeBool = at("disputed", about="The customer's bank has asked for the money back.")
    created_at: Instant = at("created", default=..., about=CREATED)
    changed_at: Instant = fact("changed_at", default=..., about=CHANGED)


class Refund(Record):
    """Money of a charge given back to the customer."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    charge_id: MaybeId = at("charge", about="The charge whose money is given back.")
    amount: Whole = at("amount", default=..., about="Minor units given back.")
    currency: Id = at("currency", default=..., about=CURRENCY)
    status: MaybeText = at("status", about="pending, requires_action, succeeded, failed or canceled.")
    reason: MaybeText = at("reason", about="Why, such as requested_by_customer, duplicate or fraudulent.")
    created_at: Instant = at("created", default=..., about=CREATED)
    changed_at: Instant = fact("changed_at", default=..., about=CHANGED)


class Dispute(Record):
    """A charge whose money the customer's bank wants back."""

    id: Id = at("id", default=..., about=STRIPE_ID)
    charge_id: MaybeId = at("charge", about="The charge whose money is wanted back.")
    amount: Whole = at("amount", default=..., about="Minor units wanted back.")
    currency: Id = at("currency", default=..., about=CURRENCY)
    status: MaybeText = at(
        "status", about="needs_response, under_review, won, lost and others; only lost is money gone."
    )
    reason: MaybeText = at("reason", about="What the bank says, such as fraudulent.")
    created_at: Instant = at("created", default=..., about=CREATED)
    changed_at: Instant = fact("changed_at", default=..., about=CHANGED)
