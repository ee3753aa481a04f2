"""What a list parameter keeps: each filter reads the parameter's value and answers a test of one record."""

from collections.abc import Callable, Collection
from datetime import datetime
from operator import attrgetter
from typing import Any

from gtm_platform.sandbox.stripe.errors import invalid
from gtm_platform.sandbox.stripe.invoices import payment_status
from gtm_platform.sandbox.stripe.parameters import Value, choice, flag, nested, span, text, texts
from gtm_platform.sandbox.stripe.store import StripePrice, StripeStore, StripeSubscription

Keep = Callable[[Any], bool]
Filter = Callable[[Value, str], Keep]

SUBSCRIPTION_STATUSES = frozenset(
    ("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")
)
MOST_TYPES = 20


def equal(attribute: str, allowed: Collection[str] = ()) -> Filter:
    read = attrgetter(attribute)

    def keep(value: Value, name: str) -> Keep:
        wanted = choice(value, name, allowed) if allowed else text(value, name)
        return lambda record: read(record) == wanted

    return keep


def always(constant: str, allowed: Collection[str]) -> Filter:
    """For what is the same on all records of the sandbox."""

    def keep(value: Value, name: str) -> Keep:
        same = choice(value, name, allowed) == constant
        return lambda _: same

    return keep


def either(attribute: str) -> Filter:
    read = attrgetter(attribute)

    def keep(value: Value, name: str) -> Keep:
        wanted = flag(value, name)
        return lambda record: read(record) is wanted

    return keep


def among(attribute: str, most: int) -> Filter:
    read = attrgetter(attribute)

    def keep(value: Value, name: str) -> Keep:
        wanted = texts(value, name)
        if len(wanted) > most:
            raise invalid(f"Array {name} exceeded maximum {most} allowed elements.", name)
        return lambda record: read(record) in wanted

    return keep


def within(moment: Callable[[Any], datetime | None]) -> Filter:
    def keep(value: Value, name: str) -> Keep:
        wanted = span(value, name)
        return lambda record: moment(record) in wanted

    return keep


def subscription_status(value: Value, name: str) -> Keep:
    wanted = choice(value, name, {*SUBSCRIPTION_STATUSES, "all", "ended"})
    statuses = {"all": SUBSCRIPTION_STATUSES, "ended": {"canceled", "incomplete_expired"}}.get(wanted, {wanted})
    return lambda record: record.status in statuses


def has_price(value: Value, name: str) -> Keep:
    wanted = text(value, name)

    def keep(record: StripeSubscription) -> bool:
        return any(item.price == wanted for item in record.items)

    return keep


def price_type(value: Value, name: str) -> Keep:
    one_time = choice(value, name, ("one_time", "recurring")) == "one_time"
    return lambda record: (record.interval is None) is one_time


def recurring(value: Value, name: str) -> Keep:
    wanted = {
        key: text(each, f"{name}[{key}]") for key, each in nested(value, name, ("interval", "usage_type")).items()
    }

    def keep(record: StripePrice) -> bool:
        return record.interval is not None and all(getattr(record, key) == each for key, each in wanted.items())

    return keep


def payment(value: Value, name: str) -> Keep:
    given = nested(value, name, ("type", "payment_intent"))
    kind = choice(given.get("type", ""), f"{name}[type]", ("payment_intent", "charge", "payment_record"))
    intent = given.get("payment_intent")
    return lambda record: kind == "payment_intent" and intent in (None, record.payment_intent)


def payment_has_status(store: StripeStore) -> Filter:
    def keep(value: Value, name: str) -> Keep:
        wanted = choice(value, name, ("open", "paid", "canceled"))
        return lambda record: payment_status(record, store) == wanted

    return keep


def event_type(value: Value, name: str) -> Keep:
    wanted = text(value, name)
    if wanted.endswith("*"):
        return lambda record: record.type.startswith(wanted.removesuffix("*"))
    return lambda record: record.type == wanted


def delivered(value: Value, name: str) -> Keep:
    """No event of the sandbox waits for a webhook."""
    wanted = flag(value, name)
    return lambda _: wanted
