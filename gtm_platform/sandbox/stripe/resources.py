"""The lists Stripe offers: under which address, of which records, with which filters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.sandbox.stripe.books import Books
from gtm_platform.sandbox.stripe.filters import (
    MOST_TYPES,
    Filter,
    Keep,
    always,
    among,
    delivered,
    either,
    equal,
    event_type,
    has_price,
    payment,
    payment_has_status,
    price_type,
    recurring,
    subscription_status,
    within,
)
from gtm_platform.sandbox.stripe.order import Ordered

EVENTS_LAST = timedelta(days=30)
COLLECTION_METHODS = ("charge_automatically", "send_invoice")
INVOICE_STATUSES = ("draft", "open", "paid", "uncollectible", "void")


@dataclass(frozen=True)
class Resource:
    """`unasked` holds what a filter keeps when it is left out; `listed` says which records are listed at all."""

    noun: str
    path: str
    rows: Callable[[], Ordered[Any]]
    filters: Mapping[str, Filter]
    unasked: Mapping[str, Keep] = field(default_factory=dict)
    listed: Keep = lambda _: True


def resources(books: Books, clock: Callable[[], datetime]) -> list[Resource]:
    return [*_catalogue(books), *_subscribers(books), *_bills(books), *_cash(books), _events(books, clock)]


def _catalogue(books: Books) -> list[Resource]:
    prices: dict[str, Filter] = {
        "active": either("active"),
        "currency": equal("currency"),
        "lookup_keys": among("lookup_key", 10),
        "product": equal("product"),
        "recurring": recurring,
        "type": price_type,
    }
    return [
        Resource("product", "products", books.products, {"active": either("active"), "ids": among("id", 100)}),
        Resource("price", "prices", books.prices, prices),
        Resource("coupon", "coupons", books.coupons, {}),
    ]


def _subscribers(books: Books) -> list[Resource]:
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
            books.customers,
            {"email": equal("email")},
            listed=lambda record: record.deleted is None,
        ),
        Resource(
            "subscription",
            "subscriptions",
            books.subscriptions,
            subscriptions,
            unasked={"status": lambda record: record.status != "canceled"},
        ),
    ]


def _bills(books: Books) -> list[Resource]:
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
        "status": payment_has_status(books.store),
    }
    credit_notes = {"customer": equal("customer"), "invoice": equal("invoice")}
    return [
        Resource("invoice", "invoices", books.invoices, invoices),
        Resource("invoice payment", "invoice_payments", books.invoice_payments, payments),
        Resource("credit note", "credit_notes", books.credit_notes, credit_notes),
    ]


def _cash(books: Books) -> list[Resource]:
    intent = {"payment_intent": equal("payment_intent")}
    return [
        Resource("charge", "charges", books.charges, {"customer": equal("customer"), **intent}),
        Resource("refund", "refunds", books.refunds, {"charge": equal("charge"), **intent}),
        Resource("dispute", "disputes", books.disputes, {"charge": equal("charge"), **intent}),
    ]


def _events(books: Books, clock: Callable[[], datetime]) -> Resource:
    filters: dict[str, Filter] = {
        "delivery_success": delivered,
        "type": event_type,
        "types": among("type", MOST_TYPES),
    }
    return Resource(
        "event", "events", books.events, filters, listed=lambda event: event.created >= clock() - EVENTS_LAST
    )
