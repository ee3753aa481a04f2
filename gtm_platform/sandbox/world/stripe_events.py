"""Stripe's own journal: one event per happening, with the object as it was then. Cached for 30 days, as Stripe does."""

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.sandbox.stripe.store import (
    StripeCharge,
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

KEPT = timedelta(days=30)

_OBJECTS = {
    StripeCharge: "charge",
    StripeCustomer: "customer",
    StripeDispute: "dispute",
    StripeInvoice: "invoice",
    StripePrice: "price",
    StripeProduct: "product",
    StripeRefund: "refund",
    StripeSubscription: "subscription",
}

Render = Callable[[Any, StripeStore], dict[str, Any]]


def stub(record: Any, _: StripeStore) -> dict[str, Any]:
    """Stands in for the emulator's rendering where nobody looks at the events."""
    return {"id": record.id, "object": _OBJECTS[type(record)]}


class StripeEvents:
    def __init__(self, store: StripeStore, render: Render, since: datetime) -> None:
        self._store = store
        self._events = store.events
        self._render = render
        self._since = since

    def record(self, at: datetime, id: str, type_: str, record: Any, previous: dict[str, Any] | None = None) -> None:
        if at >= self._since:
            self._events.append(StripeEvent(id, type_, at, self._render(record, self._store), previous or {}))

    def sort_by_time(self) -> None:
        """The past is told life by life; once it is told, by time."""
        self._events.sort(key=lambda event: event.created)

    def drop_expired(self, now: datetime) -> None:
        self._since = now - KEPT
        del self._events[: bisect_left(self._events, self._since, key=lambda event: event.created)]
