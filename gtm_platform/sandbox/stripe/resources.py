"""The lists that Stripe offers: under which address, of which records, with which filters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.sandbox.stripe.catalogue import plan
from gtm_platform.sandbox.stripe.filters import (
    MAX_TYPES,
    Filter,
    Test,
    always,
    among,
    delivered,
    equal,
    event_type,
    has_price,
    is_flag,
    payment,
    payment_has_status,
    price_type,
    recurring,
    subscription_status,
    within,
)
from gtm_platform.sandbox.stripe.ledger import Ledger
from gtm_platform.sandbox.stripe.order import Ordered
from gtm_platform.sandbox.stripe.version_changes import BASIL
from gtm_platform.sandbox.stripe.versions import PUBLISHED, Renderer
from gtm_platform.sandbox.stripe.wire import Shape

EVENTS_KEPT = timedelta(days=30)
COLLECTION_METHODS = ("charge_automatically", "send_invoice")
INVOICE_STATUSES = ("draft", "open", "paid", "uncollectible", "void")


@dataclass(frozen=True)
class Resource:
    """One list endpoint. `defaults` stand in for filters left out; `is_listed` hides records.

    Versions before `since` do not have it. `shape` renders a record where it is not the record's only shape.
    """

    noun: str
    path: str
    rows: Callable[[], Ordered[Any]]
    filters: Mapping[str, Filter]
    defaults: Mapping[str, Test] = field(default_factory=dict)
    is_listed: Test = lambda _: True
    since: str = PUBLISHED[0]
    shape: Callable[[Renderer, Any], Shape] = Renderer.shape

    @property
    def kind(self) -> str:
        """The name of its objects, as `expandable` has them."""
        return self.noun.replace(" ", "_")


def resources(ledger: Ledger, clock: Callable[[], datetime]) -> list[Resource]:
    """All lists of an account."""
    return [*_catalogue(ledger), *_subscribers(ledger), *_bills(ledger), *_cash(ledger), _events(ledger, clock)]


def _catalogue(ledger: Ledger) -> list[Resource]:
    prices: dict[str, Filter] = {
        "active": is_flag("active"),
        "currency": equal("currency"),
        "lookup_keys": among("lookup_key", 10),
        "product": equal("product"),
        "recurring": recurring,
        "type": price_type,
    }
    return [
        Resource("product", "products", ledger.products, {"active": is_flag("active"), "ids": among("id", 100)}),
        Resource("price", "prices", ledger.prices, prices),
        Resource(
            "plan",
            "plans",
            ledger.plans,
            {"active": is_flag("active"), "product": equal("product")},
            shape=lambda renderer, price: renderer.older(plan(price)),
        ),
        Resource("coupon", "coupons", ledger.coupons, {}),
    ]


def _subscribers(ledger: Ledger) -> list[Resource]:
    subscriptions: dict[str, Filter] = {
        "collection_method": always("charge_automatically", COLLECTION_METHODS),
        "current_period_end": within(lambda record: min(item.period_end for item in record.items)),
        "current_period_start": within(lambda record: max(item.period_start for item in record.items)),
        "customer": equal("customer"),
        "price": has_price,
        "status": subscription_status,
    }
    return [
        Resource(
            "customer",
            "customers",
            ledger.customers,
            {"email": equal("email")},
            is_listed=lambda record: record.deleted is None,
        ),
        Resource(
            "subscription",
            "subscriptions",
            ledger.subscriptions,
            subscriptions,
            defaults={"status": lambda record: record.status != "canceled"},
        ),
    ]


def _bills(ledger: Ledger) -> list[Resource]:
    invoices: dict[str, Filter] = {
        "collection_method": equal("collection_method", COLLECTION_METHODS),
        "customer": equal("customer"),
        "due_date": within(lambda record: record.due_date),
        "status": equal("status", INVOICE_STATUSES),
        "subscription": equal("subscription"),
    }
    payments: dict[str, Filter] = {
        "invoice": equal("invoice"),
        "payment": payment,
        "status": payment_has_status(ledger.store),
    }
    credit_notes = {"customer": equal("customer"), "invoice": equal("invoice")}
    return [
        Resource("invoice", "invoices", ledger.invoices, invoices),
        Resource("invoice payment", "invoice_payments", ledger.invoice_payments, payments, since=BASIL),
        Resource("credit note", "credit_notes", ledger.credit_notes, credit_notes),
    ]


def _cash(ledger: Ledger) -> list[Resource]:
    intent = {"payment_intent": equal("payment_intent")}
    return [
        Resource("payment_intent", "payment_intents", ledger.payment_intents, {"customer": equal("customer")}),
        Resource("charge", "charges", ledger.charges, {"customer": equal("customer"), **intent}),
        Resource("refund", "refunds", ledger.refunds, {"charge": equal("charge"), **intent}),
        Resource("dispute", "disputes", ledger.disputes, {"charge": equal("charge"), **intent}),
    ]


def _events(ledger: Ledger, clock: Callable[[], datetime]) -> Resource:
    filters: dict[str, Filter] = {
        "delivery_success": delivered,
        "type": event_type,
        "types": among("type", MAX_TYPES),
    }
    return Resource(
        "event", "events", ledger.events, filters, is_listed=lambda event: event.created >= clock() - EVENTS_KEPT
    )
