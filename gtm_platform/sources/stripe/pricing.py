"""Subscriptions as they are read: with all their items, and with what they amount to. Which of it counts is no
matter of a source: no rule is read here."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec

from gtm_platform.http.errors import NotFound
from gtm_platform.http.pages import get_path, get_path_or_none, rows
from gtm_platform.ingest.record import RawRecord, unusable, with_facts
from gtm_platform.sources.landed.system import Finish, Records
from gtm_platform.sources.stripe.client import Stripe
from gtm_platform.sources.stripe.mrr import Catalogue, item_amounts, leading_item, list_mrr, phases
from gtm_platform.sources.stripe.shapes import Coupon, Item, Items, Price, Subscription, Unpriced

# Stripe expands four levels: through a list of subscriptions no price can show its tiers, no coupon its products.
EXPANDED = ("customer", "discounts.source.coupon", "items.data.discounts")
EXPANDED_PRICE = ("tiers", "currency_options")
EXPANDED_COUPON = ("applies_to", "currency_options")

T = TypeVar("T", Price, Coupon)


def catalogue(stripe: Stripe) -> Catalogue:
    """Read all prices and coupons."""
    return Catalogue(
        _by_id(stripe, "/v1/prices", EXPANDED_PRICE, Price), _by_id(stripe, "/v1/coupons", EXPANDED_COUPON, Coupon)
    )


def _by_id(stripe: Stripe, path: str, expand: tuple[str, ...], shape: type[T]) -> dict[str, T]:
    read = (msgspec.json.decode(raw, type=shape) for page in stripe.pages(path, {}, expand) for raw in page)
    return {each.id: each for each in read}


def priced(stripe: Stripe, prices_and_coupons: Catalogue, raw: bytes) -> bytes:
    """Put beside a subscription what it amounts to; what cannot be priced is quarantined."""
    try:
        subscription, items = _with_all_items(stripe, raw)
        return _with_amounts(raw, subscription, items, prices_and_coupons)
    except (msgspec.ValidationError, Unpriced) as error:
        return unusable(raw, str(error))


def priced_as_shown(prices_and_coupons: Catalogue, raw: bytes) -> bytes:
    """Put beside a subscription that shows all of its items what it amounts to, as `priced` does."""
    try:
        subscription = msgspec.json.decode(raw, type=Subscription)
        items = [msgspec.Raw(item) for item in rows(raw, "items.data")]
        return _with_amounts(raw, subscription, items, prices_and_coupons)
    except (msgspec.ValidationError, Unpriced) as error:
        return unusable(raw, str(error))


def landed_pricing(records: Records) -> Finish:
    """Return the pricing of subscriptions of landed tables, by all prices and coupons that were landed.

    One that they do not suffice for, such as one with discounts of its items, is read by the API where that can be
    asked.
    """
    prices = {each.id: each for each in (msgspec.json.decode(raw, type=Price) for raw in records.all("prices"))}
    coupons = {each.id: each for each in (msgspec.json.decode(raw, type=Coupon) for raw in records.all("coupons"))}
    whole = cache(catalogue)

    def finish(raw: bytes) -> bytes:
        landed = priced_as_shown(Catalogue(prices, coupons), raw)
        if not (isinstance(landed, RawRecord) and landed.unusable) or (stripe := records.api_client()) is None:
            return landed
        return _by_api(stripe, whole(stripe), landed)

    return finish


def _by_api(stripe: Stripe, prices_and_coupons: Catalogue, landed: RawRecord) -> bytes:
    """A subscription as the API has it, with when it changed as it was landed."""
    try:
        raw = stripe.retrieve(f"/v1/subscriptions/{get_path_or_none(landed, 'id')}", EXPANDED)
    except NotFound:
        return landed
    return with_facts(priced(stripe, prices_and_coupons, raw), changed_at=(landed.facts or {}).get("changed_at"))


def _with_amounts(
    raw: bytes, subscription: Subscription, items: Sequence[msgspec.Raw], prices_and_coupons: Catalogue
) -> bytes:
    leading = leading_item(subscription, prices_and_coupons)
    return with_facts(
        raw,
        phases=phases(subscription, prices_and_coupons),
        list_mrr=list_mrr(subscription, prices_and_coupons),
        item_amounts=item_amounts(subscription, prices_and_coupons),
        leading_item=next((item for item in items if get_path_or_none(item, "id") == leading), None),
        is_simulated=subscription.test_clock is not None,
    )


def _with_all_items(stripe: Stripe, raw: bytes) -> tuple[Subscription, list[msgspec.Raw]]:
    """The subscription with those of its items that it does not show itself, and all items as received."""
    subscription = msgspec.json.decode(raw, type=Subscription)
    if not subscription.items.has_more:
        return subscription, [msgspec.Raw(item) for item in rows(raw, "items.data")]
    pages = stripe.pages("/v1/subscription_items", {"subscription": subscription.id}, ("discounts",))
    items = [msgspec.Raw(item) for page in pages for item in page]
    every = Items([msgspec.json.decode(item, type=Item) for item in items])
    return msgspec.structs.replace(subscription, items=every), items


def with_all_lines(stripe: Stripe, raw: bytes) -> bytes:
    """Put beside an invoice the lines that it does not show itself."""
    if not get_path_or_none(raw, "lines", "has_more"):
        return raw
    pages = stripe.pages(f"/v1/invoices/{get_path_or_none(raw, 'id')}/lines", {})
    return with_facts(raw, lines=[msgspec.Raw(line) for page in pages for line in page])


def subscription_ids_for_event(stripe: Stripe, subject: dict[str, Any]) -> Iterable[str]:
    """Return the subscriptions that an event is about; a discount may be of all of a customer's."""
    if subject.get("object") != "discount":
        return [subject["id"]]
    if subject.get("subscription"):
        return [subject["subscription"]]
    pages = stripe.pages("/v1/subscriptions", {"customer": subject["customer"], "status": "all"})
    return [get_path(raw, "id") for page in pages for raw in page]
