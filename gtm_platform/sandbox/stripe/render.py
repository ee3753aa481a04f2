"""From any record of the store to its shape, unexpanded, in the newest API version. Older ones: `versions`."""

from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.stripe import catalogue, invoices, payment_intents, payments, subscriptions
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
from gtm_platform.sandbox.stripe.wire import Shape

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
    | payment_intents.PaymentIntent
    | StripeRefund
    | StripeDispute
    | StripeEvent
)


def render(record: Record, store: StripeStore) -> Shape:
    """The record as Stripe shows it."""
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
        case payment_intents.PaymentIntent():
            return payment_intents.payment_intent(record, store.invoices.get(record.invoice or ""))
        case StripeRefund():
            return payments.refund(record, store)
        case StripeDispute():
            return payments.dispute(record)
        case StripeEvent():
            return _event(record)


def _event(record: StripeEvent) -> Shape:
    data: Shape = {"object": record.object}
    if record.previous:
        data["previous_attributes"] = record.previous
    return {
        "id": record.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": unix_seconds(record.created),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": record.type,
    }
