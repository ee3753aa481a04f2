"""Expanding: putting an object where its id stood, or a field that is only shown on demand."""

from collections.abc import Callable, Mapping
from typing import Any

from gtm_platform.sandbox.stripe import catalogue
from gtm_platform.sandbox.stripe.errors import invalid
from gtm_platform.sandbox.stripe.ledger import Ledger
from gtm_platform.sandbox.stripe.render import render
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform.sandbox.stripe.wire import embedded

Shape = dict[str, Any]
Expander = Callable[[Shape, Ledger], Any]

DEEPEST = 4


def expand(shape: Shape, paths: list[str], ledger: Ledger) -> None:
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise invalid(f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}", "expand")
        _open(shape, "", steps, ledger)


def _open(node: Any, kind: str, steps: list[str], ledger: Ledger) -> None:
    """`kind` names the node when it is no object of its own, such as the `source` of a discount."""
    if isinstance(node, list):
        for each in node:
            _open(each, kind, steps, ledger)
    elif node is not None and steps:
        step, *rest = steps
        kind = node.get("object", kind)
        expander = EXPANDERS.get((kind, step))
        if expander and _closed(node, step):
            node[step] = expander(node, ledger)
        elif kind == "event" or not (step in node and isinstance(node[step], dict | list | None)):
            raise invalid(f"This property cannot be expanded ({step}).", "expand")
        _open(node[step], f"{kind}.{step}", rest, ledger)


def _closed(node: Shape, step: str) -> bool:
    """Absent, an id, or a list of ids."""
    value = node.get(step, step)
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _target(records: Callable[[StripeStore], Mapping[str, Any]], field: str) -> Expander:
    return lambda shape, ledger: render(records(ledger.store)[shape[field]], ledger.store)


def _customer_subscriptions(shape: Shape, ledger: Ledger) -> Shape:
    held = [record for record in ledger.subscriptions_of().get(shape["id"], []) if record.status != "canceled"]
    return embedded([render(each, ledger.store) for each in held], f"/v1/customers/{shape['id']}/subscriptions")


def _subscription_discounts(shape: Shape, ledger: Ledger) -> list[Shape]:
    owner = ledger.store.subscriptions[shape["id"]]
    return [catalogue.discount(each, owner.customer, owner.id) for each in owner.discounts]


def _item_discounts(shape: Shape, ledger: Ledger) -> list[Shape]:
    owner = ledger.store.subscriptions[shape["subscription"]]
    item = next(item for item in owner.items if item.id == shape["id"])
    return [catalogue.discount(each, owner.customer, owner.id, item.id) for each in item.discounts]


def _invoice_payments(shape: Shape, ledger: Ledger) -> Shape:
    payments = ledger.payments_of().get(shape["id"], [])
    return embedded([render(each, ledger.store) for each in payments], f"/v1/invoice_payments?invoice={shape['id']}")


def _charge_refunds(shape: Shape, ledger: Ledger) -> Shape:
    refunds = ledger.refunds_of().get(shape["id"], [])
    return embedded([render(each, ledger.store) for each in refunds], f"/v1/refunds?charge={shape['id']}")


def _tiers(shape: Shape, ledger: Ledger) -> list[Shape]:
    return catalogue.tiers(ledger.store.prices[shape["id"]])


def _price_currencies(shape: Shape, ledger: Ledger) -> Shape:
    return {shape["currency"]: {**{field: shape[field] for field in _OF_A_CURRENCY}, "tiers": _tiers(shape, ledger)}}


def _coupon_currencies(shape: Shape, _: Ledger) -> Shape:
    return {shape["currency"]: {"amount_off": shape["amount_off"]}} if shape["amount_off"] is not None else {}


def _applies_to(shape: Shape, ledger: Ledger) -> Shape:
    return {"products": list(ledger.store.coupons[shape["id"]].products)}


_OF_A_CURRENCY = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
_CUSTOMER = _target(lambda store: store.customers, "customer")
_SUBSCRIPTION = _target(lambda store: store.subscriptions, "subscription")
_INVOICE = _target(lambda store: store.invoices, "invoice")
_CHARGE = _target(lambda store: store.charges, "charge")
_PRODUCT = _target(lambda store: store.products, "product")

EXPANDERS: dict[tuple[str, str], Expander] = {
    ("customer", "subscriptions"): _customer_subscriptions,
    ("subscription", "customer"): _CUSTOMER,
    ("subscription", "discounts"): _subscription_discounts,
    ("subscription", "latest_invoice"): _target(lambda store: store.invoices, "latest_invoice"),
    ("subscription_item", "discounts"): _item_discounts,
    ("price", "product"): _PRODUCT,
    ("price", "tiers"): _tiers,
    ("price", "currency_options"): _price_currencies,
    ("plan", "product"): _PRODUCT,
    ("discount", "customer"): _CUSTOMER,
    ("discount.source", "coupon"): _target(lambda store: store.coupons, "coupon"),
    ("coupon", "applies_to"): _applies_to,
    ("coupon", "currency_options"): _coupon_currencies,
    ("invoice", "customer"): _CUSTOMER,
    ("invoice", "payments"): _invoice_payments,
    ("invoice.parent.subscription_details", "subscription"): _SUBSCRIPTION,
    ("line_item", "subscription"): _SUBSCRIPTION,
    ("line_item.pricing.price_details", "price"): _target(lambda store: store.prices, "price"),
    ("invoice_payment", "invoice"): _INVOICE,
    ("charge", "customer"): _CUSTOMER,
    ("charge", "refunds"): _charge_refunds,
    ("refund", "charge"): _CHARGE,
    ("refund", "customer"): _CUSTOMER,
    ("dispute", "charge"): _CHARGE,
}
