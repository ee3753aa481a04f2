"""What can be expanded in each kind of object, and what an expanded field holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gtm_platform.sandbox.stripe import catalogue
from gtm_platform.sandbox.stripe.invoices import applied_discounts
from gtm_platform.sandbox.stripe.payment_intents import balance_transaction
from gtm_platform.sandbox.stripe.store import StripeDiscount, StripeStore
from gtm_platform.sandbox.stripe.version_changes import BASIL, CLOVER
from gtm_platform.sandbox.stripe.versions import PUBLISHED, Renderer
from gtm_platform.sandbox.stripe.wire import Shape, embedded_list

Expander = Callable[[Shape, Renderer], Any]

ANY = "any"
"""The kind of what is not looked into: an event's object, whose expansion does nothing."""


@dataclass(frozen=True)
class Field:
    """A field that an `expand` path may go through; `kind` is the object that it leads to.

    Without `expand` it is always there in full, or always null in the sandbox. `since` and `until` bound the versions
    that have it.
    """

    kind: str = ""
    expand: Expander | None = None
    since: str = PUBLISHED[0]
    until: str = "9999"

    def exists_in(self, version: str) -> bool:
        """Whether a version has the field."""
        return self.since <= version < self.until


def list_of(kind: str) -> str:
    """The kind of a list of objects."""
    return f"list of {kind}"


def _target(records: Callable[[StripeStore], Mapping[str, Any]], field: str) -> Expander:
    return lambda shape, renderer: renderer.shape(records(renderer.ledger.store)[shape[field]])


def _payment_intent(shape: Shape, renderer: Renderer) -> Shape:
    return renderer.shape(renderer.ledger.payment_intent(shape["payment_intent"]))


def _charge_transaction(shape: Shape, renderer: Renderer) -> Shape:
    return renderer.older(balance_transaction(renderer.ledger.store.charges[shape["id"]]))


def _refund_transaction(shape: Shape, renderer: Renderer) -> Shape:
    return renderer.older(balance_transaction(renderer.ledger.store.refunds[shape["id"]]))


def _transaction_source(shape: Shape, renderer: Renderer) -> Shape:
    store = renderer.ledger.store
    return renderer.shape((store.charges if shape["type"] == "charge" else store.refunds)[shape["source"]])


def _customer_subscriptions(shape: Shape, renderer: Renderer) -> Shape:
    records = renderer.ledger.subscriptions_of().get(shape["id"], [])
    shapes = [renderer.shape(record) for record in records if record.status != "canceled"]
    return embedded_list(shapes, f"/v1/customers/{shape['id']}/subscriptions")


def _none_of_customer(name: str) -> Expander:
    """A list that is empty for all customers of the sandbox."""
    return lambda shape, _: embedded_list([], f"/v1/customers/{shape['id']}/{name}")


def _customer_tax(_: Shape, __: Renderer) -> Shape:
    return {"automatic_tax": "not_collecting", "ip_address": None, "location": None, "provider": "stripe"}


def _cash_balance(shape: Shape, _: Renderer) -> Shape:
    settings = {"reconciliation_mode": "automatic", "using_merchant_default": True}
    return {
        "object": "cash_balance",
        "available": None,
        "customer": shape["id"],
        "livemode": False,
        "settings": settings,
    }


def _discounts(
    records: list[StripeDiscount], renderer: Renderer, customer: str, subscription: str | None, item: str | None = None
) -> list[Shape]:
    return [renderer.older(catalogue.discount(record, customer, subscription, item)) for record in records]


def _subscription_discounts(shape: Shape, renderer: Renderer) -> list[Shape]:
    owner = renderer.ledger.store.subscriptions[shape["id"]]
    return _discounts(owner.discounts, renderer, owner.customer, owner.id)


def _item_discounts(shape: Shape, renderer: Renderer) -> list[Shape]:
    owner = renderer.ledger.store.subscriptions[shape["subscription"]]
    item = next(item for item in owner.items if item.id == shape["id"])
    return _discounts(item.discounts, renderer, owner.customer, owner.id, item.id)


def _invoice_discounts(shape: Shape, renderer: Renderer) -> list[Shape]:
    record = renderer.ledger.store.invoices[shape["id"]]
    return _discounts(applied_discounts(record, renderer.ledger.store), renderer, record.customer, record.subscription)


def _invoice_payments(shape: Shape, renderer: Renderer) -> Shape:
    payments = renderer.ledger.payments_of().get(shape["id"], [])
    return embedded_list([renderer.shape(each) for each in payments], f"/v1/invoice_payments?invoice={shape['id']}")


def _charge_refunds(shape: Shape, renderer: Renderer) -> Shape:
    refunds = renderer.ledger.refunds_of().get(shape["id"], [])
    return embedded_list([renderer.shape(each) for each in refunds], f"/v1/refunds?charge={shape['id']}")


def _tiers(shape: Shape, renderer: Renderer) -> list[Shape] | None:
    return catalogue.tiers(renderer.ledger.store.prices[shape["id"]]) or None


def _price_currencies(shape: Shape, renderer: Renderer) -> Shape:
    amounts = {field: shape[field] for field in _OF_A_CURRENCY}
    tiers = catalogue.tiers(renderer.ledger.store.prices[shape["id"]])
    return {shape["currency"]: {**amounts, "tiers": tiers}}


def _coupon_currencies(shape: Shape, _: Renderer) -> Shape:
    return {shape["currency"]: {"amount_off": shape["amount_off"]}} if shape["amount_off"] is not None else {}


def _applies_to(shape: Shape, renderer: Renderer) -> Shape | None:
    products = list(renderer.ledger.store.coupons[shape["id"]].products)
    return {"products": products} if products else None


def _nulls(*names: str) -> dict[str, Field]:
    """References that are null in the sandbox."""
    return {name: Field() for name in names}


_OF_A_CURRENCY = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
_CUSTOMER = Field("customer", _target(lambda store: store.customers, "customer"))
_SUBSCRIPTION = Field("subscription", _target(lambda store: store.subscriptions, "subscription"))
_INVOICE = Field("invoice", _target(lambda store: store.invoices, "invoice"))
_OLD_INVOICE = Field("invoice", _target(lambda store: store.invoices, "invoice"), until=BASIL)
_CHARGE = Field("charge", _target(lambda store: store.charges, "charge"))
_OLD_CHARGE = Field("charge", _target(lambda store: store.charges, "charge"), until=BASIL)
_PRODUCT = Field("product", _target(lambda store: store.products, "product"))
_INTENT = Field("payment_intent", _payment_intent)
_TIERS = Field("", _tiers)

_OBJECTS: dict[str, dict[str, Field]] = {
    "customer": {
        "subscriptions": Field(list_of("subscription"), _customer_subscriptions),
        "sources": Field(list_of(""), _none_of_customer("sources")),
        "tax_ids": Field(list_of(""), _none_of_customer("tax_ids")),
        "tax": Field("", _customer_tax),
        "cash_balance": Field("", _cash_balance),
        "invoice_credit_balance": Field("", lambda _, __: {}),
        "discount": Field("discount"),
        **_nulls("default_source", "test_clock"),
    },
    "subscription": {
        "customer": _CUSTOMER,
        "discounts": Field("discount", _subscription_discounts),
        "discount": Field("discount", until=BASIL),
        "plan": Field("plan", until=BASIL),
        "latest_invoice": Field("invoice", _target(lambda store: store.invoices, "latest_invoice")),
        "items": Field(list_of("subscription_item")),
        **_nulls("application", "default_payment_method", "default_source", "on_behalf_of", "pending_setup_intent"),
        **_nulls("schedule", "test_clock"),
    },
    "subscription_item": {
        "discounts": Field("discount", _item_discounts),
        "price": Field("price"),
        "plan": Field("plan"),
    },
    "price": {"product": _PRODUCT, "tiers": _TIERS, "currency_options": Field("", _price_currencies)},
    "plan": {"product": _PRODUCT, "tiers": _TIERS},
    "product": _nulls("default_price", "tax_code"),
    "coupon": {"applies_to": Field("", _applies_to), "currency_options": Field("", _coupon_currencies)},
    "discount": {
        "customer": _CUSTOMER,
        "source": Field("discount source", since=CLOVER),
        "coupon": Field("coupon", until=CLOVER),
        **_nulls("promotion_code"),
    },
    "discount source": {"coupon": Field("coupon", _target(lambda store: store.coupons, "coupon"))},
    "invoice": {
        "customer": _CUSTOMER,
        "discounts": Field("discount", _invoice_discounts),
        "discount": Field("discount", until=BASIL),
        "lines": Field(list_of("line_item")),
        "parent": Field("invoice parent", since=BASIL),
        "payments": Field(list_of("invoice_payment"), _invoice_payments, since=BASIL),
        "subscription": Field("subscription", _SUBSCRIPTION.expand, until=BASIL),
        "payment_intent": Field("payment_intent", _payment_intent, until=BASIL),
        "charge": _OLD_CHARGE,
        **_nulls("account_tax_ids", "application", "default_payment_method", "default_source", "latest_revision"),
        **_nulls("on_behalf_of", "test_clock"),
        "quote": Field(until=BASIL),
    },
    "invoice parent": {"subscription_details": Field("invoice subscription")},
    "invoice subscription": {"subscription": _SUBSCRIPTION},
    "line_item": {
        "subscription": _SUBSCRIPTION,
        "pricing": Field("line pricing", since=BASIL),
        "price": Field("price", until=BASIL),
        "plan": Field("plan", until=BASIL),
        **_nulls("discounts"),
    },
    "line pricing": {"price_details": Field("line price")},
    "line price": {"price": Field("price", _target(lambda store: store.prices, "price"))},
    "invoice_payment": {"invoice": _INVOICE, "payment": Field("invoice payment source")},
    "invoice payment source": {"payment_intent": _INTENT, **_nulls("charge", "payment_record")},
    "payment_intent": {
        "customer": _CUSTOMER,
        "latest_charge": Field("charge", _target(lambda store: store.charges, "latest_charge")),
        "invoice": _OLD_INVOICE,
        **_nulls("application", "on_behalf_of", "review", "source"),
    },
    "charge": {
        "customer": _CUSTOMER,
        "payment_intent": _INTENT,
        "balance_transaction": Field("balance_transaction", _charge_transaction),
        "refunds": Field(list_of("refund"), _charge_refunds),
        "invoice": _OLD_INVOICE,
        "dispute": Field("dispute", _target(lambda store: store.disputes, "dispute"), until="2023-08-16"),
        **_nulls("application", "application_fee", "failure_balance_transaction", "on_behalf_of", "review"),
        **_nulls("source_transfer"),
    },
    "balance_transaction": {"source": Field("", _transaction_source)},
    "refund": {
        "charge": _CHARGE,
        "payment_intent": _INTENT,
        "customer": Field("customer", _CUSTOMER.expand, since="2026-07-29.dahlia"),
        "payment_method": Field(since="2026-07-29.dahlia"),
        "balance_transaction": Field("balance_transaction", _refund_transaction),
        **_nulls("failure_balance_transaction", "source_transfer_reversal", "transfer_reversal"),
    },
    "dispute": {"charge": _CHARGE, "payment_intent": _INTENT},
    "credit_note": {"customer": _CUSTOMER, "invoice": _INVOICE},
    "event": {"data": Field(ANY)},
    "account": {},
    "": {},
}
_LISTS = {list_of(kind): {"data": Field(kind)} for kind in _OBJECTS}
FIELDS: Mapping[str, Mapping[str, Field]] = {**_OBJECTS, **_LISTS}
"""The fields of each kind that a path may go through. Lists go through `data`."""
