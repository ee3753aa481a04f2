"""What list parameters keep: a filter reads a parameter's value and makes a test of one record of it."""

from collections.abc import Callable, Collection
from datetime import datetime
from operator import attrgetter
from typing import Any

from gtm_platform.sandbox.stripe.errors import invalid
from gtm_platform.sandbox.stripe.invoices import payment_status
from gtm_platform.sandbox.stripe.parameters import Value, choice, flag, nested, span, text, texts
from gtm_platform.sandbox.stripe.store import StripePrice, StripeStore, StripeSubscription

Test = Callable[[Any], bool]
Filter = Callable[[Value, str], Test]

SUBSCRIPTION_STATUSES = frozenset(
    ("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")
)
MAX_TYPES = 20


def equal(attribute: str, allowed: Collection[str] = ()) -> Filter:
    """Records with this attribute; `allowed` lists its values where Stripe takes no other."""
    read = attrgetter(attribute)

    def make(value: Value, name: str) -> Test:
        expected = choice(value, name, allowed) if allowed else text(value, name)
        return lambda record: read(record) == expected

    return make


def always(constant: str, allowed: Collection[str]) -> Filter:
    """All records or none: those of the sandbox have but this one value."""

    def make(value: Value, name: str) -> Test:
        same = choice(value, name, allowed) == constant
        return lambda _: same

    return make


def is_flag(attribute: str) -> Filter:
    """Records whose attribute is true or false, as the parameter says."""
    read = attrgetter(attribute)

    def make(value: Value, name: str) -> Test:
        expected = flag(value, name)
        return lambda record: read(record) is expected

    return make


def among(attribute: str, limit: int) -> Filter:
    """Records whose attribute is in a list of at most so many values."""
    read = attrgetter(attribute)

    def make(value: Value, name: str) -> Test:
        expected = texts(value, name)
        if len(expected) > limit:
            raise invalid(f"Array {name} exceeded maximum {limit} allowed elements.", name)
        return lambda record: read(record) in expected

    return make


def within(moment: Callable[[Any], datetime | None]) -> Filter:
    """Records whose moment lies in the span."""

    def make(value: Value, name: str) -> Test:
        expected = span(value, name)
        return lambda record: moment(record) in expected

    return make


def subscription_status(value: Value, name: str) -> Test:
    """Subscriptions with the status, where `all` and `ended` stand for several."""
    expected = choice(value, name, {*SUBSCRIPTION_STATUSES, "all", "ended"})
    statuses = {"all": SUBSCRIPTION_STATUSES, "ended": {"canceled", "incomplete_expired"}}.get(expected, {expected})
    return lambda record: record.status in statuses


def has_price(value: Value, name: str) -> Test:
    """Subscriptions of which an item has the price."""
    expected = text(value, name)

    def test(record: StripeSubscription) -> bool:
        return any(item.price == expected for item in record.items)

    return test


def price_type(value: Value, name: str) -> Test:
    """Prices that are charged once, or again and again."""
    one_time = choice(value, name, ("one_time", "recurring")) == "one_time"
    return lambda record: (record.interval is None) is one_time


def recurring(value: Value, name: str) -> Test:
    """Prices that recur in this interval or with this kind of usage."""
    expected = {
        key: text(each, f"{name}[{key}]") for key, each in nested(value, name, ("interval", "usage_type")).items()
    }

    def test(record: StripePrice) -> bool:
        return record.interval is not None and all(getattr(record, key) == each for key, each in expected.items())

    return test


def payment(value: Value, name: str) -> Test:
    """Invoice payments made in this way or by this payment intent."""
    fields = nested(value, name, ("type", "payment_intent"))
    kind = choice(fields.get("type", ""), f"{name}[type]", ("payment_intent", "charge", "payment_record"))
    intent = fields.get("payment_intent")
    return lambda record: kind == "payment_intent" and intent in (None, record.payment_intent)


def payment_has_status(store: StripeStore) -> Filter:
    """Invoice payments with the status."""

    def make(value: Value, name: str) -> Test:
        expected = choice(value, name, ("open", "paid", "canceled"))
        return lambda record: payment_status(record, store) == expected

    return make


def event_type(value: Value, name: str) -> Test:
    """Events with the type, or with one that begins like it before a star."""
    expected = text(value, name)
    if expected.endswith("*"):
        return lambda record: record.type.startswith(expected.removesuffix("*"))
    return lambda record: record.type == expected


def delivered(value: Value, name: str) -> Test:
    """All events or none: none of the sandbox waits for a webhook."""
    expected = flag(value, name)
    return lambda _: expected
