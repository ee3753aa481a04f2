"""Wire shapes of money that moved, or did not: charges, refunds, disputes."""

from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.stripe.payment_intents import charge_transaction_id, refund_transaction_id
from gtm_platform.sandbox.stripe.store import StripeCharge, StripeDispute, StripeRefund, StripeStore
from gtm_platform.sandbox.stripe.wire import Shape, id_suffix

_UNSET_ON_CHARGE = (
    "application",
    "application_fee",
    "application_fee_amount",
    "calculated_statement_descriptor",
    "description",
    "failure_balance_transaction",
    "on_behalf_of",
    "payment_method_details",
    "receipt_email",
    "receipt_number",
    "receipt_url",
    "review",
    "shipping",
    "source",
    "source_transfer",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
)


def charge(record: StripeCharge) -> Shape:
    """One attempt to take money."""
    succeeded = record.status == "succeeded"
    return {
        **dict.fromkeys(_UNSET_ON_CHARGE),
        "id": record.id,
        "object": "charge",
        "amount": record.amount,
        "amount_captured": record.amount if succeeded else 0,
        "amount_refunded": record.amount_refunded,
        "balance_transaction": charge_transaction_id(record),
        "billing_details": {
            "address": None,
            "email": record.email,
            "name": record.name,
            "phone": None,
            "tax_id": None,
        },
        "captured": succeeded,
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "customer": record.customer,
        "disputed": record.disputed,
        "failure_code": record.failure_code,
        "failure_message": "Your card was declined." if record.failure_code else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "outcome": _outcome(record),
        "paid": succeeded,
        "payment_intent": record.payment_intent,
        "payment_method": f"pm_{id_suffix(record.customer or record.id)}",
        "refunded": 0 < record.amount <= record.amount_refunded,
        "status": record.status,
    }


def refund(record: StripeRefund, store: StripeStore) -> Shape:
    """Money given back."""
    return {
        "id": record.id,
        "object": "refund",
        "amount": record.amount,
        "balance_transaction": refund_transaction_id(record),
        "charge": record.charge,
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "customer": store.charges[record.charge].customer,
        "customer_account": None,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "failure_reason": None,
        "metadata": {},
        "payment_intent": record.payment_intent,
        "payment_method": None,
        "reason": record.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": record.status,
        "transfer_reversal": None,
    }


# What a merchant may submit; nobody in the sandbox ever does.
EVIDENCE = (
    *("access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure"),
    *("cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name"),
    *("customer_purchase_ip", "customer_signature", "duplicate_charge_documentation"),
    *("duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy"),
    *("refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation"),
    *("shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number"),
    *("uncategorized_file", "uncategorized_text"),
)


def dispute(record: StripeDispute) -> Shape:
    """A charge that its payer contests at the bank."""
    return {
        "id": record.id,
        "object": "dispute",
        "amount": record.amount,
        "balance_transactions": [],
        "charge": record.charge,
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": None,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": record.status.startswith("warning_"),
        "livemode": False,
        "metadata": {},
        "payment_intent": record.payment_intent,
        "payment_method_details": None,
        "reason": record.reason,
        "status": record.status,
    }


def _outcome(record: StripeCharge) -> Shape:
    failed = record.status == "failed"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if failed else "approved_by_network",
        "reason": record.failure_code if failed else None,
        "risk_level": "normal",
        "seller_message": "The bank declined the payment." if failed else "Payment complete.",
        "type": "issuer_declined" if failed else "authorized",
    }
