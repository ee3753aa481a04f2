"""From any record of the store to its wire shape, unexpanded, in API version `API_VERSION`."""

from typing import Any

from gtm_platform.sandbox.stripe import catalogue, invoices, payments, subscriptions
from gtm_platform.sandbox.stripe.store import (
    StripeCharge,
    StripeCoupon,
    StripeCustomer,
    StripeDispute,
    StripeEvent,
    StripeInvoice,
    StripePrice,
    StripeProduct,
    StripeRefund,
    StripeStore,
    StripeSubscription,
)
from gtm_platform.sandbox.stripe.wire import seconds

API_VERSION = "2026-10-28.endive"

Record = (
    StripeProduct
    | StripePrice
    | StripeCoupon
    | StripeCustomer
    | StripeSubscription
    | StripeInvoice
    | invoices.InvoicePayment
    | StripeCharge
    | StripeRefund
    | StripeDispute
    | StripeEvent
)


def render(record: Record, store: StripeStore) -> dict[str, Any]:
    match record:
        case StripeProduct():
            return catalogue.product(record)
        case StripePrice():
            return catalogue.price(record)
        case StripeCoupon():
            return catalogue.coupon(record)
        case StripeCustomer():
            return subscriptions.customer(record)
        case StripeSubscription():
            return subscriptions.subscription(record, store)
        case StripeInvoice():
            return invoices.invoice(record, store)
        case invoices.InvoicePayment():
            return invoices.invoice_payment(record, store)
        case StripeCharge():
            return payments.charge(record)
        case StripeRefund():
            return payments.refund(record, store)
        case StripeDispute():
            return payments.dispute(record)
        case StripeEvent():
            return _event(record)


def _event(record: StripeEvent) -> dict[str, Any]:
    data: dict[str, Any] = {"object": record.object}
    if record.previous:
        data["previous_attributes"] = record.previous
    return {
        "id": record.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": seconds(record.created),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": record.type,
    }
