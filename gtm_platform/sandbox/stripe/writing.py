"""The POST endpoints: customers can be created and updated, once per idempotency key."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.stripe.errors import StripeError, missing
from gtm_platform.sandbox.stripe.parameters import Tree, nested, refuse_unknown, text
from gtm_platform.sandbox.stripe.render import render
from gtm_platform.sandbox.stripe.store import StripeCustomer, StripeEvent, StripeStore

Shape = dict[str, Any]

WRITABLE = ("address", "email", "metadata", "name")


def create_customer(given: Tree, store: StripeStore, now: datetime) -> Shape:
    refuse_unknown(given, WRITABLE)
    customer = StripeCustomer(_unused("cus_Sandbox", store.customers), now, email=None, name=None)
    _write(customer, given)
    store.customers[customer.id] = customer
    shape = render(customer, store)
    _report("customer.created", shape, {}, store, now)
    return shape


def update_customer(identifier: str, given: Tree, store: StripeStore, now: datetime) -> Shape:
    refuse_unknown(given, WRITABLE)
    customer = store.customers.get(identifier)
    if customer is None or customer.deleted:
        raise missing("customer", identifier)
    before = render(customer, store)
    _write(customer, given)
    shape = render(customer, store)
    changed = {name: value for name, value in before.items() if shape[name] != value}
    if changed:
        _report("customer.updated", shape, changed, store, now)
    return shape


def _write(customer: StripeCustomer, given: Tree) -> None:
    """An empty value unsets, as it does in Stripe."""
    if "email" in given:
        customer.email = text(given["email"], "email") or None
    if "name" in given:
        customer.name = text(given["name"], "name") or None
    if "address" in given:
        address = nested(given["address"], "address", ("city", "country")) if given["address"] else {}
        customer.city = text(address.get("city", ""), "address[city]") or None
        customer.country = text(address.get("country", ""), "address[country]") or None
    if given.get("metadata") == "":
        customer.metadata = {}
    elif "metadata" in given:
        _write_metadata(customer.metadata, given)


def _write_metadata(metadata: dict[str, str], given: Tree) -> None:
    entries = nested(given["metadata"], "metadata", given["metadata"])
    metadata.update({key: text(value, f"metadata[{key}]") for key, value in entries.items()})
    for key in [key for key, value in metadata.items() if value == ""]:
        del metadata[key]


def _report(kind: str, shape: Shape, previous: Shape, store: StripeStore, now: datetime) -> None:
    taken = {event.id: event for event in store.events}
    store.events.append(StripeEvent(_unused("evt_Sandbox", taken), kind, now, shape, previous))


def _unused(prefix: str, taken: dict[str, Any]) -> str:
    number = len(taken) + 1
    while f"{prefix}{number:08d}" in taken:
        number += 1
    return f"{prefix}{number:08d}"


@dataclass
class Idempotency:
    """First answers by key. A refused write leaves none: nothing was executed."""

    answers: dict[str, tuple[str, Shape, str]] = field(default_factory=dict)

    def once(
        self, key: str | None, asked: str, given: Tree, request_id: str, write: Callable[[], Shape]
    ) -> tuple[Shape, dict[str, str]]:
        """The answer and its headers: of `write`, or of the first request with this key."""
        if key is None:
            return write(), {}
        fingerprint = json.dumps([asked, given], sort_keys=True)
        if key not in self.answers:
            self.answers[key] = (fingerprint, write(), request_id)
            return self.answers[key][1], {"Idempotency-Key": key}
        first, shape, original = self.answers[key]
        if first != fingerprint:
            raise StripeError(400, _OTHER_PARAMETERS.format(key=key), kind="idempotency_error")
        return shape, {"Idempotency-Key": key, "Original-Request": original, "Idempotent-Replayed": "true"}


_OTHER_PARAMETERS = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
    "Try using a key other than '{key}' if you meant to execute a different request."
)
