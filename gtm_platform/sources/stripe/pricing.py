"""Subscriptions as they are read: with all their items, and with what they are worth."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from gtm_platform.http.pages import get_path, get_path_or_none, with_fields
from gtm_platform.sources.stripe.client import Stripe
from gtm_platform.sources.stripe.mrr import Catalogue, leading_item, phases
from gtm_platform.sources.stripe.shapes import Coupon, Price, Subscription, Unpriced

# Stripe expands four levels: through a list of subscriptions no price can show its tiers, no coupon its products.
EXPANDED = ("customer", "discounts.source.coupon", "items.data.discounts")
EXPANDED_PRICE = ("tiers", "currency_options")
EXPANDED_COUPON = ("applies_to", "currency_options")

T = TypeVar("T", Price, Coupon)


def catalogue(stripe: Stripe) -> Catalogue:
    return Catalogue(
        _by_id(stripe, "/v1/prices", EXPANDED_PRICE, Price), _by_id(stripe, "/v1/coupons", EXPANDED_COUPON, Coupon)
    )


def _by_id(stripe: Stripe, path: str, expand: tuple[str, ...], shape: type[T]) -> dict[str, T]:
    read = (msgspec.json.decode(raw, type=shape) for page in stripe.pages(path, {}, expand) for raw in page)
    return {each.id: each for each in read}


def priced(stripe: Stripe, known: Catalogue, raw: bytes) -> bytes:
    """The subscription with its phases and its leading item, and its customer as an id again: who that is stands in the
    table of customers. Where its worth cannot be told, the reason stands in place of the phases, and sets it aside."""
    try:
        whole = _with_all_items(stripe, raw)
        read = msgspec.json.decode(whole, type=Subscription)
        leading = leading_item(read, known)
        told = msgspec.json.decode(whole)
        return with_fields(
            whole,
            gtm_phases=phases(read, known, stripe.rules),
            gtm_item=next((item for item in told["items"]["data"] if item["id"] == leading), None),
            customer=read.customer.id,
            customer_discount=told["customer"].get("discount"),
        )
    except (msgspec.ValidationError, Unpriced) as error:
        return with_fields(raw, gtm_phases=str(error))


def _with_all_items(stripe: Stripe, raw: bytes) -> bytes:
    read = msgspec.json.decode(raw, type=Subscription)
    if not read.items.has_more:
        return raw
    pages = stripe.pages("/v1/subscription_items", {"subscription": read.id}, ("discounts",))
    return with_fields(raw, items=_list(row for page in pages for row in page))


def with_all_lines(stripe: Stripe, raw: bytes) -> bytes:
    if not get_path_or_none(raw, "lines", "has_more"):
        return raw
    pages = stripe.pages(f"/v1/invoices/{get_path_or_none(raw, 'id')}/lines", {})
    return with_fields(raw, lines=_list(row for page in pages for row in page))


def _list(found: Iterable[bytes]) -> dict[str, Any]:
    return {"object": "list", "has_more": False, "data": [msgspec.Raw(each) for each in found]}


def subscription_ids_for_event(stripe: Stripe, told: dict[str, Any]) -> Iterable[str]:
    """An event about a subscription, or about a discount: then of its subscription, or of all of its customer's."""
    if told.get("object") != "discount":
        return [told["id"]]
    if told.get("subscription"):
        return [told["subscription"]]
    pages = stripe.pages("/v1/subscriptions", {"customer": told["customer"], "status": "all"})
    return [get_path(raw, "id") for page in pages for raw in page]
