"""What a subscription amounts to by the month and by the year: pure functions, in major units.

Amounts are in the subscription's currency: exact fractions, counted by the year, and rounded once, at the end. Facts
only: they are computed whether or not the subscription runs or is on trial; which of them count, core decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

from gtm_platform.sources.orb.shapes import Adjustment, BulkTier, Cycle, Interval, Price, Subscription, Tier

# Amounts off come before percentages, and both before what is paid at least and at most.
ORDER = ("amount_discount", "percentage_discount", "minimum", "maximum")
DECIMALS = {  # ISO 4217; all other currencies have two
    **dict.fromkeys(("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"), 0),
    **dict.fromkeys(("pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"), 0),
    **dict.fromkeys(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"), 3),
}
MICRO = 6
NOTHING = Fraction(0)
Fees = dict[str, Fraction]  # by price interval, a year


@dataclass(frozen=True)
class Phase:
    """What it amounts to between two instants (None: for ever), and its largest fixed fee.

    `list_mrr` is before discounts, minimums and maximums.
    """

    begins: datetime | None
    ends: datetime | None
    mrr: Decimal
    arr: Decimal
    list_mrr: Decimal
    price_id: str | None = None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    cycle_duration: int | None = None
    cycle_unit: str | None = None


def phases(subscription: Subscription) -> list[Phase]:
    """List what it amounts to as prices, quantities and adjustments come and go, for all time."""
    result: list[Phase] = []
    for begins, ends in pairwise([None, *sorted(set(_turns(subscription))), None]):
        phase = _phase(subscription, begins, ends)
        if result and replace(result[-1], begins=begins, ends=ends) == phase:
            result[-1] = replace(result[-1], ends=ends)
        else:
            result.append(phase)
    return result


def unpriced(subscription: Subscription) -> list[str]:
    """List the fixed fees whose amount cannot be computed, as "price id: model"; they count as nothing."""
    fees = (each.price for each in subscription.price_intervals if each.price.is_fixed_fee)
    return sorted({f"{price.id}: {price.model_type}" for price in fees if _by_cycle(price, Fraction(1)) is None})


def _turns(subscription: Subscription) -> Iterator[datetime]:
    spans = (
        *subscription.price_intervals,
        *subscription.fixed_fee_quantity_schedule,
        *subscription.adjustments,
    )
    for span in spans:
        yield span.start_date
        if span.end_date is not None:
            yield span.end_date
    for interval in subscription.price_intervals:
        yield from (each.effective_date for each in interval.fixed_fee_quantity_transitions or [])


def _phase(subscription: Subscription, begins: datetime | None, ends: datetime | None) -> Phase:
    live = [each for each in subscription.price_intervals if begins is not None and each.live(begins)]
    if begins is None or not live:
        return Phase(begins, ends, Decimal(0), Decimal(0), Decimal(0))
    listed = {each.id: _fee(subscription, each, begins) for each in live}
    adjusted = _adjusted(listed, live, (each for each in subscription.adjustments if each.live(begins)))
    places = DECIMALS.get((subscription.currency or "").lower(), 2)
    total = _money(adjusted, live)
    return Phase(
        begins,
        ends,
        mrr=_rounded(total / 12, places),
        arr=_rounded(total, MICRO),
        list_mrr=_rounded(_money(listed, live) / 12, places),
        **_leading(subscription, adjusted, live, begins),
    )


def _leading(subscription: Subscription, fees: Fees, live: Sequence[Interval], moment: datetime) -> Mapping[str, Any]:
    """What the largest fixed fee is for; nothing, where all is billed by use."""
    fixed = [each for each in live if each.price.is_fixed_fee]
    if not fixed:
        return {}
    interval = max(fixed, key=lambda each: fees[each.id] * Fraction(each.price.rate))
    price = interval.price
    by_unit = price.unit_config if price.model_type == "unit" else None
    return {
        "price_id": price.id,
        "quantity": _quantity(subscription, interval, moment),
        "unit_amount": by_unit.unit_amount * price.rate if by_unit else None,
        "cycle_duration": price.cycle.duration if price.cycle else None,
        "cycle_unit": price.cycle.duration_unit if price.cycle else None,
    }


def _money(fees: Fees, live: Sequence[Interval]) -> Fraction:
    """The fees of a year, those in a pricing unit of the firm's own converted."""
    return sum((fees[each.id] * Fraction(each.price.rate) for each in live), NOTHING)


def _rounded(amount: Fraction, places: int) -> Decimal:
    """Half up."""
    return Decimal(floor(amount * 10**places + Fraction(1, 2))).scaleb(-places)


# --- fixed fees ------------------------------------------------------------------------------------------------------


def _fee(subscription: Subscription, interval: Interval, moment: datetime) -> Fraction:
    """The fixed fee of a year; nothing for what is billed by use or once."""
    price = interval.price
    if not price.is_fixed_fee or price.cycle is None:
        return NOTHING
    amount = _by_cycle(price, Fraction(_quantity(subscription, interval, moment)))
    return (amount or NOTHING) * _cycles_a_year(price.cycle)


def _quantity(subscription: Subscription, interval: Interval, moment: datetime) -> Decimal:
    """The newest transition counts, else the schedule, else what it began with, which may be stale."""
    price = interval.price
    transitions = [
        each
        for each in interval.fixed_fee_quantity_transitions or []
        if each.price_id == price.id and each.effective_date <= moment
    ]
    if transitions:
        return max(transitions, key=lambda each: each.effective_date).quantity
    schedule = subscription.fixed_fee_quantity_schedule
    scheduled = (each.quantity for each in schedule if each.price_id == price.id and each.live(moment))
    begun = Decimal(1) if price.fixed_price_quantity is None else price.fixed_price_quantity
    return next(scheduled, begun)


def _by_cycle(price: Price, quantity: Fraction) -> Fraction | None:
    """The amount of one billing cycle; None for a model that is not known, or that lacks what it is computed from."""
    if price.cycle is None:
        return None
    if price.model_type == "unit" and price.unit_config:
        config = price.unit_config
        return quantity * Fraction(config.unit_amount) * Fraction(config.scaling_factor or 1)
    if price.model_type == "tiered" and price.tiered_config:
        return sum((_in_tier(quantity, each) for each in price.tiered_config.tiers), NOTHING)
    if price.model_type == "bulk" and price.bulk_config:
        steps = price.bulk_config.tiers
        return next((quantity * Fraction(each.unit_amount) for each in steps if _reaches(each, quantity)), None)
    if price.model_type == "package" and price.package_config and price.package_config.package_size:
        package = price.package_config
        return ceil(quantity / Fraction(package.package_size)) * Fraction(package.package_amount)
    return None


def _in_tier(quantity: Fraction, tier: Tier) -> Fraction:
    last = quantity if tier.last_unit is None else min(quantity, Fraction(tier.last_unit))
    return max(NOTHING, last - Fraction(tier.first_unit)) * Fraction(tier.unit_amount)


def _reaches(step: BulkTier, quantity: Fraction) -> bool:
    return step.maximum_units is None or quantity <= Fraction(step.maximum_units)


def _cycles_a_year(cycle: Cycle) -> Fraction:
    return Fraction(365 if cycle.duration_unit == "day" else 12, cycle.duration)


# --- discounts, minimums, maximums -----------------------------------------------------------------------------------


def _adjusted(listed: Fees, live: Sequence[Interval], adjustments: Iterable[Adjustment]) -> Fees:
    """The fees after adjustments; other kinds than those in ORDER, such as units off, touch no fixed fee."""
    fees, by_id = dict(listed), {each.id: each for each in live}
    ordered = sorted(
        (each for each in adjustments if each.adjustment.adjustment_type in ORDER),
        key=lambda each: ORDER.index(each.adjustment.adjustment_type),
    )
    for each in ordered:
        scope = [by_id[id_] for id_ in each.applies_to_price_interval_ids if id_ in by_id]
        if each.adjustment.is_invoice_level and not each.applies_to_price_interval_ids:
            scope = list(live)
        if scope:
            fees |= _after(each, scope, fees)
    return fees


def _after(adjustment: Adjustment, scope: Sequence[Interval], fees: Fees) -> Fees:
    """The fees of the intervals in scope, once it is applied to all of them together."""
    terms = adjustment.adjustment
    total = sum((fees[each.id] for each in scope), NOTHING)
    left = total
    if terms.adjustment_type == "amount_discount":
        left = max(NOTHING, total - _a_year(terms.amount_discount, scope))
    elif terms.adjustment_type == "percentage_discount":
        left = total * (1 - Fraction(terms.percentage_discount or 0))
    elif terms.adjustment_type == "minimum":
        left = max(total, _a_year(terms.minimum_amount, scope))
    elif terms.maximum_amount is not None:
        left = min(total, _a_year(terms.maximum_amount, scope))
    if not total:  # there is nothing to spread it by: a minimum on what is billed by use
        return {each.id: left if each is scope[0] else NOTHING for each in scope}
    return {each.id: fees[each.id] * left / total for each in scope}


def _a_year(amount: Decimal | None, scope: Sequence[Interval]) -> Fraction:
    """An amount that is meant for a billing cycle: of several cycles, for the shortest, which bills most often."""
    cycles = [_cycles_a_year(each.price.cycle) for each in scope if each.price.cycle]
    return Fraction(amount or 0) * max(cycles, default=NOTHING)
