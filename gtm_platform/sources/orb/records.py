"""Orb's records: field names of ours, paths into theirs. They serve lists and expanded webhooks alike."""

from gtm_platform.ingest.record import (
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
    at,
    fact,
)

ORB_ID = "What Orb's other records call it."
CREATED = "When Orb made the record."
CURRENCY = "Three letters, upper case."
LEADING = "Of the fixed fee that makes up most of the MRR; None where all is billed by use."


class Customer(Record):
    """Who pays: a company or person with a contract."""

    id: Id = at("id", default=..., about=ORB_ID)
    external_customer_id: MaybeId = at("external_customer_id", about="What our product calls it.")
    name: MaybeText = at("name", personal=True, about="Company or person, as on the bill.")
    email: MaybeText = at("email", personal=True, about="Where bills go; often an inbox of a finance department.")
    currency: MaybeText = at("currency", about=f"{CURRENCY} None until first billed.")
    timezone: MaybeText = at("timezone", about="In whose days it is billed.")
    country: MaybeText = at("billing_address", "country", about="Two letters, from the billing address.")
    city: MaybeText = at("billing_address", "city", personal=True, about="From the billing address.")
    balance: MaybeAmount = at("balance", about="Major units; above nothing it is a credit, which is no payment.")
    payment_provider: MaybeText = at(
        "payment_provider",
        about="Who collects: stripe_charge, stripe_invoice, netsuite, quickbooks, bill.com or adyen.",
    )
    payment_provider_id: MaybeId = at("payment_provider_id", about="What the payment provider calls the customer.")
    auto_collection: MaybeBool = at("auto_collection", about="Bills are charged without anybody doing it.")
    parent_id: MaybeId = at("hierarchy", "parent", "id", about="The customer that this one is part of.")
    hubspot_contact_id: MaybeId = at(
        "metadata", "hubspot_contact_id", about="The contact in HubSpot, as noted in Orb's metadata."
    )
    company_domain: MaybeText = at(
        "metadata", "company_domain", about="Web domain of the company, as noted in Orb's metadata."
    )
    workspace_id: MaybeText = at(
        "metadata", "workspace_id", about="Workspace in the product, as noted in Orb's metadata."
    )
    created_at: MaybeInstant = at("created_at", about=CREATED)
    deleted: bool = at("deleted", default=False, about="The customer is being deleted at Orb.")

    def is_gone(self) -> bool:
        return self.deleted


class Phase(Record):
    """What a subscription amounts to from one instant on and before another; None is for ever.

    In major units, whether or not it is on trial: fixed fees by the quantity in force, less discounts, at least the
    minimums and at most the maximums in force; `list_mrr` is before all of these.
    """

    begins: MaybeInstant
    ends: MaybeInstant
    mrr: Amount
    arr: Amount
    list_mrr: Amount
    price_id: MaybeId
    quantity: MaybeAmount
    unit_amount: MaybeAmount
    cycle_duration: MaybeInt
    cycle_unit: MaybeText


class Subscription(Record):
    """What a customer subscribes to, what it is worth, and from when until when. Ended ones are kept."""

    id: Id = at("id", default=..., about=ORB_ID)
    name: MaybeText = at("name", personal=True, about="As Orb shows it.")
    customer_id: Id = at("customer", "id", default=..., about="Who subscribes.")
    status: Id = at(
        "status", default=..., about="upcoming, active or ended, when it was read. Trials and debts are told elsewhere."
    )
    plan_id: MaybeId = at("plan", "id", about="None where it is made of prices of its own.")
    plan_name: MaybeText = at("plan", "name", about="What customers see.")
    external_plan_id: MaybeText = at("plan", "external_plan_id", about="What our product calls the plan.")
    plan_version: MaybeInt = at("plan", "version", about="Version of the plan when it was read.")
    currency: MaybeText = fact("currency", about=f"Of the amounts. {CURRENCY}")
    created_at: Instant = at("created_at", default=..., about="When it was agreed.")
    started_at: Instant = at("start_date", default=..., about="When it begins; before, it is upcoming.")
    ends_at: MaybeInstant = at("end_date", about="When it ends or ended; one to come is planned churn.")
    trial_ends_at: MaybeInstant = at("trial_info", "end_date", about="Stays set after the trial.")
    current_period_start: MaybeInstant = at("current_billing_period_start_date", about="None unless active.")
    current_period_end: MaybeInstant = at("current_billing_period_end_date", about="None unless active.")
    net_terms: MaybeInt = at("net_terms", about="Days to pay a bill.")
    auto_collection: MaybeBool = at("auto_collection", about="Bills are charged without anybody doing it.")
    unpriced: list[str] = fact(
        "unpriced", default=[], about="Fixed fees whose amount cannot be told (price: model), which count as nothing."
    )
    phases: list[Phase] = fact(
        "phases", default=..., about="What it amounts to as prices, quantities and discounts come and go; all time."
    )


class PlanPrice(Record):
    """A price of a plan."""

    id: MaybeId = at("id")
    name: MaybeText = at("name")
    price_type: MaybeText = at("price_type")
    model_type: MaybeText = at("model_type")
    cadence: MaybeText = at("cadence")
    currency: MaybeText = at("currency")
    unit_amount: MaybeAmount = at("unit_config", "unit_amount")


class Plan(Record):
    """What can be subscribed to. What somebody pays is in the subscription, whose prices may differ."""

    id: Id = at("id", default=..., about=ORB_ID)
    name: MaybeText = at("name", about="What customers see.")
    description: MaybeText = at("description", about="As it was written at Orb.")
    status: MaybeText = at("status", about="active, archived or draft.")
    currency: MaybeText = at("currency", about="Three letters, upper case, or a pricing unit of our own.")
    invoicing_currency: MaybeText = at("invoicing_currency", about=f"Of its bills. {CURRENCY}")
    external_plan_id: MaybeText = at("external_plan_id", about="What our product calls it.")
    version: MaybeInt = at("version", about="Counts up whenever it is changed.")
    product_name: MaybeText = at("product", "name", about="The product that it is a plan of.")
    trial_days: MaybeInt = at("trial_config", "trial_period", about="None without a trial.")
    net_terms: MaybeInt = at("net_terms", about="Days to pay a bill.")
    prices: list[PlanPrice] = at("prices", default=[], about="All that it charges.")
    created_at: MaybeInstant = at("created_at", about=CREATED)


class PaymentAttempt(Record):
    """An attempt to take money for an invoice."""

    id: MaybeId = at("id")
    amount: MaybeAmount = at("amount")
    tried_at: MaybeInstant = at("created_at")
    succeeded: MaybeBool = at("succeeded")
    payment_provider: MaybeText = at("payment_provider")
    payment_id: MaybeId = at("payment_provider_id")


class InvoiceLine(Record):
    """A line of an invoice: a fixed fee, or what was used in a period."""

    id: MaybeId = at("id")
    name: MaybeText = at("name")
    price_id: MaybeId = at("price", "id")
    price_type: MaybeText = at("price", "price_type")
    quantity: MaybeAmount = at("quantity")
    amount: MaybeAmount = at("amount")
    starts_at: MaybeInstant = at("start_date")
    ends_at: MaybeInstant = at("end_date")


class Invoice(Record):
    """A bill, and what became of it. Drafts are left out: their amounts change by the hour."""

    id: Id = at("id", default=..., about=ORB_ID)
    number: MaybeText = at("invoice_number", about="As on the bill.")
    customer_id: MaybeId = at("customer", "id", about="Who is billed.")
    subscription_id: MaybeId = at("subscription", "id", about="What is billed; None for other bills.")
    invoice_source: MaybeText = at("invoice_source", about="subscription, partial or one_off.")
    status: Id = at("status", default=..., about="issued, paid, synced (handed to another system) or void.")
    currency: Id = at("currency", default=..., about=CURRENCY)
    subtotal: MaybeAmount = at("subtotal", about="Major units, before discounts.")
    total: Amount = at("total", default=..., about="Major units, after discounts and with taxes.")
    amount_due: MaybeAmount = at("amount_due", about="Major units still to be paid.")
    invoiced_at: MaybeInstant = at("invoice_date", about="Date of the bill; stays when it is paid.")
    issued_at: MaybeInstant = at("issued_at", about="When it was sent.")
    due_at: MaybeInstant = at("due_date", about="Until when to pay.")
    paid_at: MaybeInstant = at("paid_at", about="When it became paid, by money, by credit, or because nothing was due.")
    payment_received_at: MaybeInstant = at("payment_received_at", about="When money arrived.")
    payment_started_at: MaybeInstant = at("payment_started_at", about="When the newest attempt to collect began.")
    payment_failed_at: MaybeInstant = at("payment_failed_at", about="When collecting failed; None once it is paid.")
    voided_at: MaybeInstant = at("voided_at", about="When it was declared void.")
    next_attempt_at: MaybeInstant = at(
        "auto_collection", "next_attempt_at", about="When it will be collected again; None when nobody will."
    )
    attempt_count: MaybeInt = at("auto_collection", "num_attempts", about="How often it was collected automatically.")
    payment_attempts: list[PaymentAttempt] = at("payment_attempts", default=[], about="Each attempt to take the money.")
    lines: list[InvoiceLine] = at("line_items", default=[], about="All that is billed.")
    created_at: MaybeInstant = at("created_at", about=CREATED)


class CreditNote(Record):
    """Money given back, or a debt that is let go."""

    id: Id = at("id", default=..., about=ORB_ID)
    number: MaybeText = at("credit_note_number", about="As on the note.")
    customer_id: MaybeId = at("customer", "id", about="Who is credited.")
    invoice_id: MaybeId = at("invoice_id", about="The bill that it is about, whose currency it has.")
    type: MaybeText = at("type", about="refund is money given back; adjustment lowers what is due.")
    total: Amount = at("total", default=..., about="Major units of the bill's currency.")
    reason: MaybeText = at(
        "reason", about="Why, such as Duplicate, Fraudulent, Order change or Product unsatisfactory."
    )
    created_at: Instant = at("created_at", default=..., about=CREATED)
    voided_at: MaybeInstant = at("voided_at", about="When it was declared void, and so counts no more.")
