"""Wire shapes of who subscribes to what: customers, subscriptions and their items."""

from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.stripe.catalogue import discount, plan, price
from gtm_platform.sandbox.stripe.store import StripeCustomer, StripeItem, StripeStore, StripeSubscription
from gtm_platform.sandbox.stripe.wire import Shape, address, embedded_list, id_suffix

_UNSET_ON_SUBSCRIPTION = (
    "application",
    "application_fee_percent",
    "billing_cycle_anchor_config",
    "billing_thresholds",
    "customer_account",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "description",
    "next_pending_invoice_item_invoice",
    "on_behalf_of",
    "pending_invoice_item_interval",
    "pending_setup_intent",
    "pending_update",
    "schedule",
    "test_clock",
    "transfer_data",
)

_UNSET_ON_CUSTOMER = (
    "customer_account",
    "default_source",
    "description",
    "phone",
    "shipping",
    "test_clock",
)


def customer(record: StripeCustomer) -> Shape:
    """Who pays; of somebody deleted the id is left."""
    return full_customer(record) if record.deleted is None else deleted_customer(record)


def deleted_customer(record: StripeCustomer) -> Shape:
    """What a retrieval, an expansion and the deletion itself answer."""
    return {"id": record.id, "object": "customer", "deleted": True}


def full_customer(record: StripeCustomer) -> Shape:
    """All fields; the event of a deletion still has them."""
    return {
        **dict.fromkeys(_UNSET_ON_CUSTOMER),
        "id": record.id,
        "object": "customer",
        "address": address(record.city, record.country),
        "balance": 0,
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "delinquent": record.delinquent,
        "discount": discount(record.discount, record.id) if record.discount else None,
        "email": record.email,
        "invoice_prefix": id_suffix(record.id)[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": f"pm_{id_suffix(record.id)}",
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": dict(record.metadata),
        "name": record.name,
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    }


def subscription(record: StripeSubscription, store: StripeStore) -> Shape:
    """What a customer has subscribed to."""
    return {
        **dict.fromkeys(_UNSET_ON_SUBSCRIPTION),
        "id": record.id,
        "object": "subscription",
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": unix_seconds(record.trial_end or record.created),
        "billing_mode": {
            "type": "flexible",
            "flexible": {"proration_discounts": "included"},
            "updated_at": unix_seconds(record.created),
        },
        "billing_schedules": [],
        "cancel_at": unix_seconds(record.cancel_at),
        "cancel_at_period_end": record.cancel_at_period_end,
        "canceled_at": unix_seconds(record.canceled_at),
        "cancellation_details": {
            "comment": None,
            "feedback": record.cancel_feedback,
            "reason": record.cancel_reason,
        },
        "collection_method": "charge_automatically",
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "customer": record.customer,
        "default_tax_rates": [],
        "discounts": [each.id for each in record.discounts],
        "ended_at": unix_seconds(record.ended_at),
        "items": embedded_list(
            [item(each, record.id, store) for each in record.items],
            f"/v1/subscription_items?subscription={record.id}",
        ),
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "latest_invoice": record.latest_invoice,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": dict(record.metadata),
        "pause_collection": _pause_collection(record),
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "start_date": unix_seconds(record.created),
        "status": record.status,
        "status_details": _status_details(record),
        "trial_end": unix_seconds(record.trial_end),
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": unix_seconds(record.trial_start),
    }


def item(record: StripeItem, subscription_id: str, store: StripeStore) -> Shape:
    """One price of a subscription, in a quantity."""
    sold = store.prices[record.price]
    shape = {
        "id": record.id,
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": unix_seconds(record.created),
        "current_period_end": unix_seconds(record.period_end),
        "current_period_start": unix_seconds(record.period_start),
        "current_trial": None,
        "discounts": [each.id for each in record.discounts],
        "metadata": {},
        "plan": plan(sold),
        "price": price(sold),
        "subscription": subscription_id,
        "tax_rates": [],
    }
    if record.quantity is not None:  # metered items have no quantity at all
        shape["quantity"] = record.quantity
    return shape


def _pause_collection(record: StripeSubscription) -> Shape | None:
    return {"behavior": record.pause_behavior, "resumes_at": None} if record.pause_behavior else None


def _status_details(record: StripeSubscription) -> Shape | None:
    if record.status != "paused" or record.paused_at is None:
        return None
    paused = {
        "subscription": {"type": "pause_requested"},
        "transitioned_at": unix_seconds(record.paused_at),
        "type": "subscription",
    }
    return {"paused": paused}
