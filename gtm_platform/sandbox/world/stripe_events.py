"""Stripe's event log: one event per change, with the object as it was then, for 30 days as at Stripe."""

from bisect import bisect_left
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.sandbox.stripe.render import render
from gtm_platform.sandbox.stripe.store import StripeEvent, StripeStore

RETENTION = timedelta(days=30)


class StripeEvents:
    """The event log of one account; what happened before `since` leaves no event."""

    def __init__(self, store: StripeStore, since: datetime) -> None:
        self._store = store
        self._events = store.events
        self._since = since

    def record(self, at: datetime, id: str, type_: str, record: Any, previous: dict[str, Any] | None = None) -> None:
        if at >= self._since:
            self._events.append(StripeEvent(id, type_, at, render(record, self._store), previous or {}))

    def sort_by_time(self) -> None:
        """Order the past, which comes life by life, by time."""
        self._events.sort(key=lambda event: event.created)

    def drop_expired(self, now: datetime) -> None:
        self._since = now - RETENTION
        del self._events[: bisect_left(self._events, self._since, key=lambda event: event.created)]
