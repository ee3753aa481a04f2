"""Wire shapes of what is billed: invoices, their lines, and their payments, which are derived from the charges."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.stripe.store import (
    StripeCharge,
    StripeCustomer,
    StripeDiscount,
    StripeInvoice,
    StripeLine,
    StripeStore,
)
from gtm_platform.sandbox.stripe.wire import Shape, address, decimal_string, embedded_list, id_suffix

_UNSET = (
    "account_tax_ids",
    "application",
    "automatically_finalizes_at",
    "custom_fields",
    "customer_account",
    "customer_phone",
    "customer_shipping",
    "default_payment_method",
    "default_source",
    "description",
    "footer",
    "from_invoice",
    "last_finalization_error",
    "latest_revision",
    "on_behalf_of",
    "receipt_number",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "status_details",
    "test_clock",
)
_ZERO = (
    "amount_overpaid",
    "amount_paid_off_stripe",
    "amount_shipping",
    "post_payment_credit_notes_amount",
    "pre_payment_credit_notes_amount",
    "starting_balance",
)
_EMPTY = ("default_tax_rates", "total_pretax_credit_amounts", "total_taxes")
_SETTINGS = ("default_mandate", "payment_method_options", "payment_method_types")


@dataclass(slots=True)
class InvoicePayment:
    """The collection of an invoice: all its charges under one payment intent, oldest first."""

    id: str
    invoice: str
    payment_intent: str
    created: datetime
    charges: list[StripeCharge] = field(default_factory=list)


def payments_of(charges: Iterable[StripeCharge]) -> list[InvoicePayment]:
    """The invoices' payments that the charges are attempts of."""
    payments: dict[str, InvoicePayment] = {}
    for charge in sorted(charges, key=lambda charge: charge.created):
        intent = charge.payment_intent
        if charge.invoice is None:
            continue
        if intent not in payments:
            payments[intent] = InvoicePayment(f"inpay_{id_suffix(intent)}", charge.invoice, intent, charge.created)
        payments[intent].charges.append(charge)
    return list(payments.values())


def invoice_payment(record: InvoicePayment, store: StripeStore) -> Shape:
    """How an invoice was or is to be paid."""
    paid = next((charge for charge in record.charges if charge.status == "succeeded"), None)
    billed = store.invoices[record.invoice]
    return {
        "id": record.id,
        "object": "invoice_payment",
        "amount_paid": paid.amount if paid else None,
        "amount_requested": record.charges[0].amount,
        "created": unix_seconds(record.created),
        "currency": record.charges[0].currency,
        "invoice": record.invoice,
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": record.payment_intent},
        "status": payment_status(record, store),
        "status_transitions": {
            "canceled_at": None if paid else unix_seconds(billed.voided_at),
            "paid_at": unix_seconds(paid.created) if paid else None,
        },
    }


def payment_status(record: InvoicePayment, store: StripeStore) -> str:
    """Whether the payment is paid, canceled with its invoice, or still open."""
    if any(charge.status == "succeeded" for charge in record.charges):
        return "paid"
    return "canceled" if store.invoices[record.invoice].status == "void" else "open"


def invoice(record: StripeInvoice, store: StripeStore) -> Shape:
    """What a customer owes, or owed, for a period."""
    draft = record.status == "draft"
    customer = store.customers.get(record.customer)
    due = max(record.total, 0)
    lines = [line(record, position, store) for position in range(len(record.lines))]
    return {
        **dict.fromkeys(_UNSET),
        **_customer_copy(customer),
        **_usage_period(record),
        **_without_taxes_and_credits(),
        "id": record.id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Sandbox",
        "amount_due": due,
        "amount_paid": record.amount_paid,
        "amount_remaining": due - record.amount_paid,
        "attempt_count": record.attempt_count,
        "attempted": record.attempt_count > 0,
        "auto_advance": record.status in ("draft", "open"),
        "automatic_tax": {"enabled": False, **dict.fromkeys(("disabled_reason", "liability", "provider", "status"))},
        "billing_reason": record.billing_reason,
        "collection_method": record.collection_method,
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "customer": record.customer,
        "discounts": [each.id for each in applied_discounts(record, store)],
        "due_date": unix_seconds(record.due_date),
        "effective_at": unix_seconds(record.finalized_at),
        "ending_balance": None if draft else 0,
        "hosted_invoice_url": None if draft else f"https://invoice.stripe.example/i/{record.id}",
        "invoice_pdf": None if draft else f"https://invoice.stripe.example/i/{record.id}/pdf",
        "issuer": {"type": "self"},
        "lines": embedded_list(lines, f"/v1/invoices/{record.id}/lines"),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": unix_seconds(record.next_payment_attempt),
        "number": None if draft else record.number,
        "parent": _parent(record, store),
        "payment_settings": dict.fromkeys(_SETTINGS),
        "status": record.status,
        "status_transitions": _status_transitions(record),
        "subtotal": record.subtotal,
        "subtotal_excluding_tax": record.subtotal,
        "total": record.total,
        "total_discount_amounts": _discount_amounts(record, store),
        "total_excluding_tax": record.total,
        "webhooks_delivered_at": None if draft else unix_seconds(record.finalized_at),
    }


def line_id(record: StripeInvoice, position: int) -> str:
    """The id of the line at a position; the store's lines have none."""
    return f"il_{id_suffix(record.id)}_{position}"


def line(record: StripeInvoice, position: int, store: StripeStore) -> Shape:
    """The line of an invoice at a position."""
    billed = record.lines[position]
    return {
        "id": line_id(record, position),
        "object": "line_item",
        "amount": billed.amount,
        "currency": record.currency,
        "description": billed.description,
        "discount_amounts": [],
        "discountable": not billed.proration,
        "discounts": [],
        "invoice": record.id,
        "livemode": False,
        "metadata": {},
        "parent": _line_parent(billed, record.subscription),
        "period": {"start": unix_seconds(billed.period_start), "end": unix_seconds(billed.period_end)},
        "pretax_credit_amounts": [],
        "pricing": {
            "type": "price_details",
            "price_details": {"price": billed.price, "product": store.prices[billed.price].product},
            "unit_amount_decimal": decimal_string(store.prices[billed.price].unit_amount),
        },
        "quantity": billed.quantity,
        "quantity_decimal": None if billed.quantity is None else str(billed.quantity),
        "subscription": record.subscription,
        "subtotal": billed.amount,
        "taxes": [],
    }


def _line_parent(billed: StripeLine, subscription: str | None) -> Shape:
    details = {
        "invoice_item": None,
        "proration": billed.proration,
        "proration_details": {"credited_items": None},
        "subscription": subscription,
        "subscription_item": billed.item,
    }
    return {
        "type": "subscription_item_details",
        "invoice_item_details": None,
        "subscription_item_details": details,
    }


def _parent(record: StripeInvoice, store: StripeStore) -> Shape | None:
    if record.subscription is None:
        return None
    metadata = dict(store.subscriptions[record.subscription].metadata)
    return {
        "type": "subscription_details",
        "quote_details": None,
        "subscription_details": {"subscription": record.subscription, "metadata": metadata},
    }


def _customer_copy(customer: StripeCustomer | None) -> Shape:
    return {
        "customer_address": address(customer.city, customer.country) if customer else None,
        "customer_email": customer.email if customer else None,
        "customer_name": customer.name if customer else None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
    }


def _status_transitions(record: StripeInvoice) -> dict[str, int | None]:
    return {
        "finalized_at": unix_seconds(record.finalized_at),
        "marked_uncollectible_at": unix_seconds(record.uncollectible_at),
        "paid_at": unix_seconds(record.paid_at),
        "voided_at": unix_seconds(record.voided_at),
    }


def _without_taxes_and_credits() -> Shape:
    """Zeros and empty lists: the sandbox has no taxes, shipping, credit notes or customer balances."""
    return {**dict.fromkeys(_ZERO, 0), **{name: [] for name in _EMPTY}}


def _usage_period(record: StripeInvoice) -> dict[str, int]:
    """The period behind the invoice, not the one its lines pay for: a first invoice has none yet."""
    started = record.created
    if record.billing_reason == "subscription_cycle" and record.lines:
        started -= record.lines[0].period_end - record.lines[0].period_start
    return {"period_start": unix_seconds(started), "period_end": unix_seconds(record.created)}


def _discount_amounts(record: StripeInvoice, store: StripeStore) -> list[Shape]:
    deducted = record.subtotal - record.total
    return [{"amount": deducted, "discount": each.id} for each in applied_discounts(record, store)[:1]]


def applied_discounts(record: StripeInvoice, store: StripeStore) -> list[StripeDiscount]:
    """The subscription's discounts, else the customer's, when the invoice is reduced."""
    if record.total >= record.subtotal:
        return []
    customer = store.customers.get(record.customer)
    subscription = store.subscriptions[record.subscription] if record.subscription else None
    own = list(subscription.discounts) if subscription else []
    return own or ([customer.discount] if customer and customer.discount else [])
