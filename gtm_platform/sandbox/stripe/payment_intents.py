"""Shapes of what stands behind charges and refunds: payment intents and balance transactions.

The store holds neither. An intent is all charges with its id, a balance transaction is one charge or refund as the
account's balance sees it: settled at once, in the currency of the charge, without a fee.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.stripe.store import StripeCharge, StripeInvoice, StripeRefund
from gtm_platform.sandbox.stripe.wire import Shape, id_suffix

_UNSET = (
    *("application", "application_fee_amount", "cancellation_reason", "customer_account", "description"),
    *("excluded_payment_method_types", "next_action", "on_behalf_of", "payment_method_configuration_details"),
    *("processing", "receipt_email", "review", "setup_future_usage", "shipping", "source", "statement_descriptor"),
    *("statement_descriptor_suffix", "transfer_data", "transfer_group"),
)


@dataclass(slots=True)
class PaymentIntent:
    """One sum to be paid, and the charges that tried to collect it, oldest first."""

    id: str
    created: datetime
    customer: str | None
    invoice: str | None
    charges: list[StripeCharge] = field(default_factory=list)


def intents_of(charges: Iterable[StripeCharge]) -> list[PaymentIntent]:
    """The payment intents that the charges belong to."""
    intents: dict[str, PaymentIntent] = {}
    for charge in sorted(charges, key=lambda charge: charge.created):
        id = charge.payment_intent
        intents.setdefault(id, PaymentIntent(id, charge.created, charge.customer, charge.invoice))
        intents[id].charges.append(charge)
    return list(intents.values())


def payment_intent(record: PaymentIntent, invoice: StripeInvoice | None) -> Shape:
    """A payment with the outcome of its last charge."""
    last = record.charges[-1]
    status = _status(record, invoice)
    return {
        **dict.fromkeys(_UNSET),
        "id": record.id,
        "object": "payment_intent",
        "amount": last.amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": last.amount if status == "succeeded" else 0,
        "automatic_payment_methods": None,
        "canceled_at": unix_seconds(invoice.voided_at) if invoice and status == "canceled" else None,
        "capture_method": "automatic",
        "client_secret": f"{record.id}_secret_sandbox",
        "confirmation_method": "automatic",
        "created": unix_seconds(record.created),
        "currency": last.currency,
        "customer": last.customer,
        "last_payment_error": _error(last),
        "latest_charge": last.id,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "payment_method": f"pm_{id_suffix(last.customer or last.id)}" if status == "succeeded" else None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "status": status,
    }


def charge_transaction_id(record: StripeCharge) -> str | None:
    """The id of the charge's balance transaction; only what succeeded moves the balance."""
    return f"txn_{id_suffix(record.id)}" if record.status == "succeeded" else None


def refund_transaction_id(record: StripeRefund) -> str | None:
    """The id of the refund's balance transaction."""
    return f"txn_{id_suffix(record.id)}" if record.status == "succeeded" else None


def balance_transaction(record: StripeCharge | StripeRefund) -> Shape:
    """A charge or a refund as a movement of the account's balance."""
    is_charge = isinstance(record, StripeCharge)
    amount = record.amount if is_charge else -record.amount
    created = unix_seconds(record.created)
    return {
        "id": f"txn_{id_suffix(record.id)}",
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created,
        "balance_type": "payments",
        "created": created,
        "currency": record.currency,
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": amount,
        "reporting_category": "charge" if is_charge else "refund",
        "source": record.id,
        "status": "available",
        "type": "charge" if is_charge else "refund",
    }


def _status(record: PaymentIntent, invoice: StripeInvoice | None) -> str:
    if any(charge.status == "succeeded" for charge in record.charges):
        return "succeeded"
    if record.charges[-1].status == "pending":
        return "processing"
    return "canceled" if invoice and invoice.status == "void" else "requires_payment_method"


def _error(charge: StripeCharge) -> Shape | None:
    if charge.status != "failed":
        return None
    return {
        "type": "card_error",
        "charge": charge.id,
        "code": "card_declined",
        "decline_code": charge.failure_code,
        "message": "Your card was declined.",
    }
