"""What an Orb customer will buy, change and give up: decided when their life begins, as in `contracts`.

Everything begins and ends at midnight in the billing account's time zone, which is New York's, without summer time: an
hour at which no UTC day ends.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random

from gtm_platform.sandbox.world import orb_catalogue
from gtm_platform.sandbox.world.agenda import DAY, months_after
from gtm_platform.sandbox.world.contracts import HORIZON

_MIDNIGHT = timedelta(hours=5)
_ODDS = {
    "growth": 26, "platform": 14, "team": 10, "scale": 16, "volume": 8, "packs": 6, "sprint": 5, "committed": 9,
    "metered": 6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Discount:
    """A percentage, or an amount of US dollars per cycle, for the whole term or for some months."""

    kind: str  # percentage_discount | amount_discount
    value: Fraction
    months: int | None = None


@dataclass(slots=True)
class OrbContract:
    """`booked` is when it was signed: until `start` it is upcoming.

    An `end` is known to Orb from `notice` on.
    """

    offer: str
    currency: str
    booked: datetime
    start: datetime
    quantity: int
    trial_end: datetime | None = None
    notice: datetime | None = None
    end: datetime | None = None
    discount: Discount | None = None
    steps: list[tuple[datetime, datetime, int]] = field(default_factory=list)  # arranged, effective, quantity

    @property
    def anchor(self) -> datetime:
        """The beginning of the first period that is billed."""
        return self.trial_end or self.start

    def boundary(self, period: int) -> datetime:
        """The beginning of a billing period; 0 is the first."""
        sold = orb_catalogue.OFFERS[self.offer]
        if sold.days:
            return self.anchor + timedelta(days=period * sold.days)
        return months_after(self.anchor, period * sold.months)

    @property
    def discount_end(self) -> datetime | None:
        """When the discount is over; None for the whole term."""
        return months_after(self.start, self.discount.months) if self.discount and self.discount.months else None

    def quantity_at(self, at: datetime) -> int:
        """The quantity that holds at an instant."""
        return next((quantity for _, effective, quantity in reversed(self.steps) if effective <= at), self.quantity)

    def fee(self, at: datetime, discounted: bool = True) -> Fraction:
        """The fixed fee of a cycle, at an instant."""
        fee = orb_catalogue.per_cycle(self.offer, self.currency, self.quantity_at(at))
        over = self.discount_end
        if not discounted or not self.discount or (over and at >= over):
            return fee
        if self.discount.kind == "percentage_discount":
            return fee * (1 - self.discount.value)
        return max(Fraction(0), fee - orb_catalogue.in_currency(int(self.discount.value), self.currency))

    def monthly(self, at: datetime, discounted: bool = True) -> int:
        """What it is worth a month at an instant, whether or not it runs; in minor units."""
        least = orb_catalogue.in_currency(orb_catalogue.OFFERS[self.offer].minimum, self.currency)
        amount = orb_catalogue.a_month(self.offer, max(self.fee(at, discounted), least))
        return orb_catalogue.in_minor(amount, self.currency)

    def runs(self, at: datetime) -> bool:
        """Whether it brings MRR at an instant: begun, not over, and no longer on trial."""
        return self.anchor <= at and (self.end is None or at < self.end)


def midnight(at: datetime) -> datetime:
    """The first midnight in the billing account's time zone after an instant."""
    return (at - _MIDNIGHT).replace(hour=0, minute=0, second=0, microsecond=0) + DAY + _MIDNIGHT


def agreed(rng: Random, after: datetime, currency: str, present: datetime) -> OrbContract:
    """A contract that is signed some time after an instant.

    Most last, a third of the older ones have ended or will.
    """
    offer = rng.choices(list(_ODDS), list(_ODDS.values()))[0]
    low, high = orb_catalogue.OFFERS[offer].quantities
    booked = (after + timedelta(days=rng.uniform(0.1, 12))).replace(microsecond=0)
    start = midnight(booked + timedelta(days=rng.uniform(0, 12)))
    contract = OrbContract(offer, currency, booked, start, min(rng.randint(low, high), rng.randint(low, high)))
    if high > 1 and rng.random() < 0.3:
        contract.trial_end = start + 14 * DAY
    contract.discount = _discount(rng, offer)
    _plan_end(rng, contract, present)
    if high > 1:
        _plan_steps(rng, contract, present)
    return contract


def _discount(rng: Random, offer: str) -> Discount | None:
    roll = rng.random()
    if orb_catalogue.OFFERS[offer].use:
        return None
    if offer == "team" or roll < 0.15:
        return Discount("percentage_discount", Fraction(rng.choice((10, 15, 20)), 100), None if roll < 0.6 else 6)
    return Discount("amount_discount", Fraction(50), rng.choice((None, 6))) if roll < 0.25 else None


def _plan_end(rng: Random, contract: OrbContract, present: datetime) -> None:
    roll = rng.random()
    if contract.trial_end and roll < 0.15:
        contract.end, contract.notice = contract.trial_end, contract.trial_end - timedelta(days=rng.uniform(1, 9))
    elif roll < 0.55:
        oldest = contract.anchor + 40 * DAY
        past = present - oldest
        leaves = present + timedelta(days=rng.expovariate(1 / 110))
        if past > 20 * DAY and roll < 0.32:
            leaves = oldest + past * rng.random()
        period = 1
        while contract.boundary(period) < max(leaves, oldest):
            period += 1
        contract.end = contract.boundary(period)
        contract.notice = contract.end - timedelta(days=rng.uniform(3, 25))
    if contract.notice:
        contract.notice = max(contract.booked, contract.notice.replace(microsecond=0))


def _plan_steps(rng: Random, contract: OrbContract, present: datetime) -> None:
    """Changes of the quantity, each arranged some days before it holds."""
    last = min(contract.notice or present + HORIZON, present + HORIZON)
    quantity, arranged = contract.quantity, contract.start
    while True:
        arranged = (arranged + timedelta(days=4 + rng.expovariate(1 / 90))).replace(microsecond=0)
        effective = midnight(arranged + timedelta(days=rng.uniform(0, 9)))
        if effective >= last:
            return
        by = max(1, int(quantity * rng.uniform(0.05, 0.4)))
        quantity = quantity + by if rng.random() < 0.62 or quantity - by < 1 else quantity - by
        contract.steps.append((arranged, effective, quantity))
        arranged = effective
