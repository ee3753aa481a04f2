"""What a contract means for the items and discounts of a Stripe subscription."""

from datetime import datetime, timedelta
from fractions import Fraction

from gtm_platform.sandbox.stripe.store import StripeItem, StripeLine, StripeSubscription
from gtm_platform.sandbox.world import catalogue
from gtm_platform.sandbox.world.agenda import months_after
from gtm_platform.sandbox.world.catalogue import Cut, Line
from gtm_platform.sandbox.world.contracts import Contract


def new_item(id_: str, at: datetime, line: Line, currency: str, ends: datetime) -> StripeItem:
    return StripeItem(id_, catalogue.price_id(line.offer, currency), line.quantity, at, at, ends)


def cut_ends(contract: Contract, cut: Cut) -> datetime | None:
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
    """Changes price or quantity of the first item; what that costs for the rest of the period is invoiced next."""
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
