"""What a subscription amounts to by the month and by the year: pure functions, in minor units of its currency.

Amounts are counted by the year, which every interval divides, and rounded once, at the end, per item. Facts only: they
are told after the discounts of every mode and whatever the status; which of them count, core/subscriptions decides.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from gtm_platform.sources.stripe.shapes import (
    Coupon,
    Discount,
    Item,
    Price,
    Subscription,
    Tariff,
    Tier,
    Transform,
    Unpriced,
)

A_YEAR = {"month": Decimal(12), "year": Decimal(1), "week": Decimal(52), "day": Decimal(365)}
DURATIONS_BY_MODE = {  # of coupons
    "forever_only": ("forever",),
    "recurring": ("forever", "repeating"),
    "all": ("forever", "repeating", "once"),
}
# Thirds and sevenths leave a trace in the 28th digit, which must not decide about a half.
EXACT = Decimal("0.000000001")


@dataclass(frozen=True)
class Catalogue:
    """All prices, with their tiers and currencies, and all coupons, with what they apply to."""

    prices: dict[str, Price]
    coupons: dict[str, Coupon]

    def coupon(self, discount: Discount) -> Coupon:
        """Return it as the catalogue has it; a deleted one stands only in the discount itself."""
        coupon = discount.coupon_or_id
        if isinstance(coupon, Coupon):
            return self.coupons.get(coupon.id, coupon)
        if coupon not in self.coupons:
            raise Unpriced(f"The discount {discount.id} is by the coupon {coupon}, which Stripe does not list.")
        return self.coupons[coupon]


@dataclass(frozen=True)
class Phase:
    """What it amounts to between two instants (Unix seconds; None: for ever), by mode of discounts."""

    begins: int | None
    ends: int | None
    mrr_forever_only: int
    arr_forever_only: Decimal
    mrr_recurring: int
    arr_recurring: Decimal
    mrr_all: int
    arr_all: Decimal


@dataclass(frozen=True)
class Line:
    """A committed item: its amount by the year, and how often a year it is invoiced."""

    item: Item
    amount: Decimal
    invoices: Decimal


def phases(subscription: Subscription, catalogue: Catalogue) -> list[Phase]:
    """List what it amounts to as discounts come and go; covers all time without gaps."""
    lines = committed(subscription, catalogue)
    turns = sorted({turn for each in subscription.all_discounts for turn in (each.start, each.end) if turn is not None})
    result: list[Phase] = []
    for begins, ends in pairwise([None, *turns, None]):
        moment = begins if begins is not None else (ends or 0) - 1
        phase = _phase(subscription, lines, catalogue, moment, begins, ends)
        if result and replace(result[-1], begins=begins, ends=ends) == phase:
            result[-1] = replace(result[-1], ends=ends)
        else:
            result.append(phase)
    return result


def _phase(
    subscription: Subscription,
    lines: Sequence[Line],
    catalogue: Catalogue,
    moment: int,
    begins: int | None,
    ends: int | None,
) -> Phase:
    amounts: dict[str, Any] = {}
    left = [line.amount for line in lines]
    for mode, durations in DURATIONS_BY_MODE.items():
        if subscription.all_discounts:
            left = after_discounts(subscription, lines, catalogue, durations, moment)
        amounts |= {f"mrr_{mode}": sum(_whole(amount / 12) for amount in left), f"arr_{mode}": sum(left, Decimal(0))}
    return Phase(begins, ends, **amounts)


def list_mrr(subscription: Subscription, catalogue: Catalogue) -> int:
    """Return what it amounts to by the month before discounts."""
    return sum(_whole(line.amount / 12) for line in committed(subscription, catalogue))


def item_amounts(subscription: Subscription, catalogue: Catalogue) -> list[dict[str, int]]:
    """List what each item amounts to by the month before discounts: truly, and with its bill for one interval's."""
    return [
        {"mrr": _whole(line.amount / 12), "mrr_by_bill": _whole(line.amount * _intervals(line.item) / 12)}
        for line in committed(subscription, catalogue)
    ]


def _intervals(item: Item) -> int:
    """How many intervals a bill is for, such as three months."""
    return item.price.recurring.interval_count if item.price.recurring else 1


def leading_item(subscription: Subscription, catalogue: Catalogue) -> str | None:
    """The id of the item with the largest amount; among usage-based items only, of the first."""
    lines = committed(subscription, catalogue)
    if lines:
        return max(lines, key=lambda line: line.amount).item.id
    return next((item.id for item in subscription.items.data), None)


def _whole(amount: Decimal) -> int:
    return int(amount.quantize(EXACT).quantize(Decimal(1), ROUND_HALF_UP))


# --- amounts before discounts ----------------------------------------------------------------------------------------


def committed(subscription: Subscription, catalogue: Catalogue) -> list[Line]:
    """The items that cost the same whatever is used."""
    return [
        _line(item, subscription.currency, catalogue)
        for item in subscription.items.data
        if not item.deleted and item.price.recurring and item.price.recurring.usage_type != "metered"
    ]


def _line(item: Item, currency: str, catalogue: Catalogue) -> Line:
    recurring = item.price.recurring
    if recurring is None or recurring.interval not in A_YEAR or recurring.interval_count < 1:
        raise Unpriced(f"The price {item.price.id} recurs in a way that is not known.")
    invoices = A_YEAR[recurring.interval] / recurring.interval_count
    per_invoice = _amount(item, _tariff(item.price, currency, catalogue))
    # Multiplied first: 14700 every 3 months times 12 is whole, a third of it may not be.
    return Line(item, per_invoice * A_YEAR[recurring.interval] / recurring.interval_count, invoices)


def _tariff(price: Price, currency: str, catalogue: Catalogue) -> Tariff:
    """Tiers and other currencies stand in the catalogue only."""
    if price.billing_scheme != "tiered" and price.currency == currency:
        return price
    listed = catalogue.prices.get(price.id, price)
    tariff = listed if listed.currency == currency else (listed.currency_options or {}).get(currency)
    if tariff is None or (price.billing_scheme == "tiered" and not tariff.tiers):
        raise Unpriced(f"The price {price.id} does not tell its amounts in {currency}.")
    return tariff


def _amount(item: Item, tariff: Tariff) -> Decimal:
    quantity = _billed(1 if item.quantity is None else item.quantity, item.price.transform_quantity)
    if item.price.billing_scheme != "tiered":
        return quantity * tariff.unit
    tiers = sorted(tariff.tiers or [], key=lambda tier: (tier.up_to is None, tier.up_to))
    return (_volume if item.price.tiers_mode == "volume" else _graduated)(quantity, tiers)


def _billed(quantity: int, transform: Transform | None) -> int:
    if transform is None:
        return quantity
    up = transform.divide_by - 1 if transform.round == "up" else 0
    return (quantity + up) // transform.divide_by


def _volume(quantity: int, tiers: Iterable[Tier]) -> Decimal:
    tier = next((tier for tier in tiers if tier.up_to is None or tier.up_to >= quantity), None)
    if tier is None:
        raise Unpriced(f"No tier holds a quantity of {quantity}.")
    return quantity * tier.unit + tier.flat


def _graduated(quantity: int, tiers: Iterable[Tier]) -> Decimal:
    total, below = Decimal(0), 0
    for tier in tiers:
        if below and quantity <= below:
            break
        within = (quantity if tier.up_to is None else min(quantity, tier.up_to)) - below
        total += within * tier.unit + tier.flat
        below = tier.up_to or quantity
    return total


# --- discounts -------------------------------------------------------------------------------------------------------


def after_discounts(
    subscription: Subscription, lines: Sequence[Line], catalogue: Catalogue, durations: Collection[str], moment: int
) -> list[Decimal]:
    """Return what discounts leave of each amount: those of items first, then those of all."""
    left = [line.amount for line in lines]

    def reduce(discounts: Iterable[Discount], places: Iterable[int]) -> None:
        for discount in discounts:
            coupon = catalogue.coupon(discount)
            if coupon.duration in durations:
                covered = [place for place in places if coupon.covers(lines[place].item.price.product)]
                _reduce(left, lines, covered, coupon, subscription.currency)

    for place, line in enumerate(lines):
        reduce((each for each in line.item.discounts or [] if each.live(moment)), [place])
    reduce(_general(subscription, moment), range(len(lines)))
    return left


def _general(subscription: Subscription, moment: int) -> list[Discount]:
    """A customer's discount counts only while the subscription has none of its own."""
    own = [each for each in subscription.own_discounts if each.live(moment)]
    inherited = subscription.customer.discount
    return own or ([inherited] if inherited and inherited.live(moment) else [])


def _reduce(left: list[Decimal], lines: Sequence[Line], covered: list[int], coupon: Coupon, currency: str) -> None:
    if coupon.percent_off is not None:
        for place in covered:
            left[place] *= 1 - coupon.percent_off / 100
    elif covered and (off := coupon.amount_off_in(currency)) is not None:
        # An amount is taken off each invoice: of those, the shortest interval's items make the most.
        often = max(lines[place].invoices for place in covered)
        payers = [place for place in covered if lines[place].invoices == often]
        total = sum(left[place] for place in payers)
        share = min(off * often / total, Decimal(1)) if total else Decimal(0)
        for place in payers:
            left[place] *= 1 - share
