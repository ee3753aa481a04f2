"""Wire shapes of what is billed: invoices, their lines, and their payments, which are derived from the charges."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.stripe.store import StripeCharge, StripeCustomer, StripeInvoice, StripeLine, StripeStore
from gtm_platform.sandbox.stripe.wire import address, decimal, embedded, seconds, suffix

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
_EMPTY = ("default_tax_rates", "discounts", "total_pretax_credit_amounts", "total_taxes")
_SETTINGS = ("default_mandate", "payment_method_options", "payment_method_types")


@dataclass(slots=True)
class InvoicePayment:
    """One attempt after another to collect an invoice: all its charges under one payment intent, oldest first."""

    id: str
    invoice: str
    payment_intent: str
    created: datetime
    charges: list[StripeCharge] = field(default_factory=list)


def payments_of(charges: Iterable[StripeCharge]) -> list[InvoicePayment]:
    payments: dict[str, InvoicePayment] = {}
    for charge in sorted(charges, key=lambda charge: charge.created):
        intent = charge.payment_intent
        if charge.invoice is None:
            continue
        if intent not in payments:
            payments[intent] = InvoicePayment(f"inpay_{suffix(intent)}", charge.invoice, intent, charge.created)
        payments[intent].charges.append(charge)
    return list(payments.values())


def invoice_payment(record: InvoicePayment, store: StripeStore) -> dict[str, Any]:
    paid = next((charge for charge in record.charges if charge.status == "succeeded"), None)
    billed = store.invoices[record.invoice]
    return {
        "id": record.id,
        "object": "invoice_payment",
        "amount_paid": paid.amount if paid else None,
        "amount_requested": record.charges[0].amount,
        "created": seconds(record.created),
        "currency": record.charges[0].currency,
        "invoice": record.invoice,
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": record.payment_intent},
        "status": payment_status(record, store),
        "status_transitions": {
            "canceled_at": None if paid else seconds(billed.voided_at),
            "paid_at": seconds(paid.created) if paid else None,
        },
    }


def payment_status(record: InvoicePayment, store: StripeStore) -> str:
    if any(charge.status == "succeeded" for charge in record.charges):
        return "paid"
    return "canceled" if store.invoices[record.invoice].status == "void" else "open"


def invoice(record: StripeInvoice, store: StripeStore) -> dict[str, Any]:
    draft = record.status == "draft"
    customer = store.customers.get(record.customer)
    due = max(record.total, 0)
    lines = [line(record, position, store) for position in range(len(record.lines))]
    return {
        **dict.fromkeys(_UNSET),
        **_customer_copy(customer),
        **_usage_period(record),
        **_nothing_beyond_the_lines(),
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
        "created": seconds(record.created),
        "currency": record.currency,
        "customer": record.customer,
        "due_date": seconds(record.due_date),
        "effective_at": seconds(record.finalized_at),
        "ending_balance": None if draft else 0,
        "hosted_invoice_url": None if draft else f"https://invoice.stripe.example/i/{record.id}",
        "invoice_pdf": None if draft else f"https://invoice.stripe.example/i/{record.id}/pdf",
        "issuer": {"type": "self"},
        "lines": embedded(lines, f"/v1/invoices/{record.id}/lines"),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": seconds(record.next_payment_attempt),
        "number": None if draft else record.number,
        "parent": _parent(record, store),
        "payment_settings": dict.fromkeys(_SETTINGS),
        "status": record.status,
        "status_transitions": _status_transitions(record),
        "subtotal": record.subtotal,
        "subtotal_excluding_tax": record.subtotal,
        "total": record.total,
        "total_discount_amounts": _discount_amounts(record, customer, store),
        "total_excluding_tax": record.total,
        "webhooks_delivered_at": None if draft else seconds(record.finalized_at),
    }


def line_id(record: StripeInvoice, position: int) -> str:
    return f"il_{suffix(record.id)}_{position}"


def line(record: StripeInvoice, position: int, store: StripeStore) -> dict[str, Any]:
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
        "period": {"start": seconds(billed.period_start), "end": seconds(billed.period_end)},
        "pretax_credit_amounts": [],
        "pricing": {
            "type": "price_details",
            "price_details": {"price": billed.price, "product": store.prices[billed.price].product},
            "unit_amount_decimal": decimal(store.prices[billed.price].unit_amount),
        },
        "quantity": billed.quantity,
        "quantity_decimal": None if billed.quantity is None else str(billed.quantity),
        "subscription": record.subscription,
        "subtotal": billed.amount,
        "taxes": [],
    }


def _line_parent(billed: StripeLine, subscription: str | None) -> dict[str, Any]:
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


def _parent(record: StripeInvoice, store: StripeStore) -> dict[str, Any] | None:
    if record.subscription is None:
        return None
    metadata = dict(store.subscriptions[record.subscription].metadata)
    return {
        "type": "subscription_details",
        "quote_details": None,
        "subscription_details": {"subscription": record.subscription, "metadata": metadata},
    }


def _customer_copy(customer: StripeCustomer | None) -> dict[str, Any]:
    return {
        "customer_address": address(customer.city, customer.country) if customer else None,
        "customer_email": customer.email if customer else None,
        "customer_name": customer.name if customer else None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
    }


def _status_transitions(record: StripeInvoice) -> dict[str, int | None]:
    return {
        "finalized_at": seconds(record.finalized_at),
        "marked_uncollectible_at": seconds(record.uncollectible_at),
        "paid_at": seconds(record.paid_at),
        "voided_at": seconds(record.voided_at),
    }


def _nothing_beyond_the_lines() -> dict[str, Any]:
    """The sandbox knows no taxes, shipping, credit notes or customer balances."""
    return {**dict.fromkeys(_ZERO, 0), **{name: [] for name in _EMPTY}}


def _usage_period(record: StripeInvoice) -> dict[str, int]:
    """The period behind the invoice, not the one its lines pay for: a first invoice has none yet."""
    started = record.created
    if record.billing_reason == "subscription_cycle" and record.lines:
        started -= record.lines[0].period_end - record.lines[0].period_start
    return {"period_start": seconds(started), "period_end": seconds(record.created)}


def _discount_amounts(
    record: StripeInvoice, customer: StripeCustomer | None, store: StripeStore
) -> list[dict[str, Any]]:
    subscription = store.subscriptions[record.subscription] if record.subscription else None
    discounts = list(subscription.discounts) if subscription else []
    if not discounts and customer and customer.discount:
        discounts = [customer.discount]
    taken = record.subtotal - record.total
    return [{"amount": taken, "discount": discounts[0].id}] if taken > 0 and discounts else []
