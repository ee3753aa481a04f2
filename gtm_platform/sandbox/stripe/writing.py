"""The writes: customers can be created, updated and deleted. Each write leaves the events that Stripe sends for it."""

from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.write_log import Actions, Write, WriteLog
from gtm_platform.sandbox.stripe.errors import missing
from gtm_platform.sandbox.stripe.parameters import Parameters, nested, refuse_unknown, text
from gtm_platform.sandbox.stripe.render import render
from gtm_platform.sandbox.stripe.store import StripeCustomer, StripeEvent, StripeStore
from gtm_platform.sandbox.stripe.subscriptions import full_customer
from gtm_platform.sandbox.stripe.wire import Shape

WRITABLE = ("address", "email", "metadata", "name")

Customers = WriteLog[StripeStore, StripeCustomer]


def create_customer(parameters: Parameters, customers: Customers) -> StripeCustomer:
    """A new customer with these fields."""
    return customers.do({"do": "create_customer", "fields": _fields(parameters)})


def update_customer(id: str, parameters: Parameters, customers: Customers) -> StripeCustomer:
    """The customer after these fields have been set."""
    _living(id, customers.store)
    return customers.do({"do": "update_customer", "id": id, "fields": _fields(parameters)})


def delete_customer(id: str, parameters: Parameters, customers: Customers) -> StripeCustomer:
    """The customer that is now deleted, whose subscriptions have ended."""
    refuse_unknown(parameters, ())
    _living(id, customers.store)
    return customers.do({"do": "delete_customer", "id": id})


def _create(store: StripeStore, write: Write, now: datetime) -> StripeCustomer:
    customer = StripeCustomer(_unused("cus_Sandbox", store.customers), now, email=None, name=None)
    _set(customer, write["fields"])
    store.customers[customer.id] = customer
    _report("customer.created", render(customer, store), {}, store, now)
    return customer


def _update(store: StripeStore, write: Write, now: datetime) -> StripeCustomer:
    customer = store.customers[write["id"]]
    before = render(customer, store)
    _set(customer, write["fields"])
    after = render(customer, store)
    changed = {name: value for name, value in before.items() if after[name] != value}
    if changed:
        _report("customer.updated", after, changed, store, now)
    return customer


def _delete(store: StripeStore, write: Write, now: datetime) -> StripeCustomer:
    """End the customer's subscriptions, and leave the event with all that was there."""
    customer = store.customers[write["id"]]
    for subscription in store.subscriptions.values():
        if subscription.customer == customer.id and subscription.ended_at is None:
            subscription.status = "canceled"
            subscription.canceled_at = subscription.canceled_at or now
            subscription.ended_at = now
            subscription.cancel_reason = "cancellation_requested"
            _report("customer.subscription.deleted", render(subscription, store), {}, store, now)
    _report("customer.deleted", full_customer(customer), {}, store, now)
    customer.deleted = now
    return customer


ACTIONS: Actions[StripeStore, StripeCustomer] = {
    "create_customer": _create,
    "update_customer": _update,
    "delete_customer": _delete,
}


def _living(id: str, store: StripeStore) -> None:
    customer = store.customers.get(id)
    if customer is None or customer.deleted:
        raise missing("customer", id)


def _fields(parameters: Parameters) -> dict[str, Any]:
    """What is to be set, checked; an empty value unsets, as it does at Stripe."""
    refuse_unknown(parameters, [*WRITABLE, "expand"])
    fields: dict[str, Any] = {
        name: text(parameters[name], name) or None for name in ("email", "name") if name in parameters
    }
    if "address" in parameters:
        address = nested(parameters["address"], "address", ("city", "country")) if parameters["address"] else {}
        fields |= {name: text(address.get(name, ""), f"address[{name}]") or None for name in ("city", "country")}
    if parameters.get("metadata") == "":
        fields["metadata"] = None
    elif "metadata" in parameters:
        entries = nested(parameters["metadata"], "metadata", parameters["metadata"])
        fields["metadata"] = {key: text(value, f"metadata[{key}]") for key, value in entries.items()}
    return fields


def _set(customer: StripeCustomer, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name == "metadata":
            merged = {**customer.metadata, **value} if value is not None else {}
            customer.metadata = {key: each for key, each in merged.items() if each != ""}
        else:
            setattr(customer, name, value)


def _report(kind: str, shape: Shape, previous: Shape, store: StripeStore, now: datetime) -> None:
    ids = {event.id for event in store.events}
    store.events.append(StripeEvent(_unused("evt_Sandbox", ids), kind, now, shape, previous))


def _unused(prefix: str, ids: "set[str] | dict[str, Any]") -> str:
    number = len(ids) + 1
    while f"{prefix}{number:08d}" in ids:
        number += 1
    return f"{prefix}{number:08d}"
