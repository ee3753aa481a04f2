"""What a contract means for a Stripe subscription: its items, its discounts, and how its customer stands by it."""

from datetime import datetime, timedelta
from fractions import Fraction

from gtm_platform.sandbox.stripe.store import StripeDiscount, StripeItem, StripeLine, StripeSubscription
from gtm_platform.sandbox.world import catalogue
from gtm_platform.sandbox.world.agenda import months_after
from gtm_platform.sandbox.world.catalogue import Cut, Line
from gtm_platform.sandbox.world.contracts import Contract

# Of several subscriptions the best for us counts: the first of these that a person has.
STANDINGS = ("active", "trial", "past_due", "paused", "leaving")
UNBILLED_PAUSES = ("void", "mark_uncollectible")  # behaviours of a paused collection that bring no MRR
_STANDING_BY_STATUS = {"trialing": "trial", "active": "active", "past_due": "past_due", "unpaid": "past_due"}


def standing(subscription: StripeSubscription) -> str | None:
    """How a customer stands by this subscription; None once it has ended, or when it never began."""
    if subscription.status not in (*_STANDING_BY_STATUS, "paused"):
        return None
    if subscription.cancel_at_period_end or subscription.cancel_at:
        return "leaving"
    if subscription.status == "paused" or subscription.pause_behavior in UNBILLED_PAUSES:
        return "paused"
    return _STANDING_BY_STATUS[subscription.status]


def new_item(id_: str, at: datetime, line: Line, currency: str, ends: datetime) -> StripeItem:
    """A subscription item of a line, in a period of no length until its first invoice."""
    return StripeItem(id_, catalogue.price_id(line.offer, currency), line.quantity, at, at, ends)


def new_discount(id_: str, at: datetime, contract: Contract, cut: Cut) -> StripeDiscount:
    """A discount by the coupon that exists for the contract's currency."""
    coupon = catalogue.coupon_id(cut.coupon, contract.currency)
    return StripeDiscount(id_, coupon, at, cut_ends(contract, cut))


def cut_ends(contract: Contract, cut: Cut) -> datetime | None:
    """When a discount ends, counted from the contract's start; None if it has no end."""
    months = catalogue.repeats_for(cut.coupon)
    return months_after(contract.start, months) if months else None


def live_cuts(contract: Contract, at: datetime, first_invoice: bool) -> tuple[Cut, ...]:
    """The discounts in force; those granted once count on the first invoice with an amount."""
    return tuple(
        cut
        for cut in contract.cuts
        if ((ends := cut_ends(contract, cut)) is None or ends > at)
        and (first_invoice or not catalogue.is_once(cut.coupon))
    )


def changed(at: datetime, subscription: StripeSubscription, old: Line, new: Line) -> list[StripeLine]:
    """Change price or quantity of the first item; return the lines that prorate the period's rest."""
    first = subscription.items[0]
    first.price = catalogue.price_id(new.offer, subscription.currency)
    first.quantity = new.quantity
    second = timedelta(seconds=1)
    rest = Fraction((first.period_end - at) // second, (first.period_end - first.period_start) // second)
    difference = catalogue.charged(new, subscription.currency) - catalogue.charged(old, subscription.currency)
    amount = catalogue.half_up(difference * rest)
    text = f"Change to {new.quantity} × {catalogue.label(new)}"
    line = StripeLine(first.price, first.id, new.quantity, amount, text, at, first.period_end, proration=True)
    return [line] if amount else []
