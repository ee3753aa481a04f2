"""What ChartMogul makes of the billing systems' timelines: MRR, status, movements; late, and not always the same.

The account recognises churn when a subscription is cancelled, not when its period ends. A customer's `quirk` is one
more difference: discounts are ignored, trials count, tax is included, or everything is converted to US dollars.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

from gtm_platform.sandbox.chartmogul.store import ChartMogulCustomer, MirroredAccount
from gtm_platform.sandbox.kit.render import WITHOUT_MINOR_UNIT
from gtm_platform.sandbox.kit.timeline import as_of

ACCOUNT_CURRENCY = "usd"
RATES = {"usd": Fraction(1), "eur": Fraction(108, 100), "gbp": Fraction(127, 100), "jpy": Fraction(67, 10_000)}


def shown_currency(customer: ChartMogulCustomer) -> str:
    """The currency in which the customer's MRR is shown."""
    return ACCOUNT_CURRENCY if customer.quirk == "currency" else customer.accounts[0].currency


def mrr(customer: ChartMogulCustomer, before: datetime) -> int:
    """MRR as it is shown just before an instant, in the shown currency's smallest unit."""
    return _imported(customer, before - customer.lag)


def _imported(customer: ChartMogulCustomer, before: datetime) -> int:
    return sum(worth(customer, account, before) for account in customer.accounts)


def worth(customer: ChartMogulCustomer, account: MirroredAccount, before: datetime) -> int:
    """What ChartMogul makes of one account, once it has imported what held just before an instant."""
    standing = as_of(account.standings, before)
    amount = as_of(account.mrr, before) or 0
    if standing == "leaving":
        return 0
    if customer.quirk == "trial" and standing == "trial":
        return as_of(account.net, before) or 0
    if customer.quirk == "discount" and amount:
        return as_of(account.gross, before) or 0
    if customer.quirk == "tax":
        return _half_up(Fraction(amount * (100 + customer.tax), 100))
    if customer.quirk == "currency":
        return in_account_currency(amount, account.currency)
    return amount


def in_account_currency(amount: int, currency: str) -> int:
    """An amount in smallest units as US cents, by ChartMogul's own rates."""
    return _half_up(amount * RATES[currency] * (100 if currency in WITHOUT_MINOR_UNIT else 1))


def _half_up(amount: Fraction) -> int:
    return floor(amount + Fraction(1, 2))


# --- movements -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of a customer's MRR."""

    at: datetime
    kind: str  # new_biz | expansion | contraction | churn | reactivation
    by: int
    mrr: int  # after it
    account: MirroredAccount


def movements(customer: ChartMogulCustomer, now: datetime) -> Iterator[Movement]:
    """All changes that are shown by now, in their order."""
    before, ever = 0, False
    for at, account in sorted(_instants(customer), key=lambda change: change[0]):
        if at + customer.lag > now:
            return
        after = _imported(customer, at + timedelta(microseconds=1))
        if after == before:
            continue
        if after > before:
            kind = "expansion" if before else "reactivation" if ever else "new_biz"
        else:
            kind = "contraction" if after else "churn"
        yield Movement(at, kind, after - before, after, account)
        before, ever = after, True


def _instants(customer: ChartMogulCustomer) -> Iterator[tuple[datetime, MirroredAccount]]:
    seen = set()
    for account in customer.accounts:
        timelines = (account.mrr, account.gross, account.net, account.standings)
        for at, _ in (change for timeline in timelines for change in timeline):
            if at not in seen:
                seen.add(at)
                yield at, account


def status(customer: ChartMogulCustomer, before: datetime) -> str:
    """Active, Past Due, Cancelled, or a lead that never paid."""
    since = before - customer.lag
    if mrr(customer, before):
        owes = any(as_of(account.delinquent, since) for account in customer.accounts)
        return "Past Due" if owes else "Active"
    return "Cancelled" if customer_since(customer, before) else "New Lead"


def customer_since(customer: ChartMogulCustomer, before: datetime) -> datetime | None:
    """When the customer first brought MRR."""
    moved = next(movements(customer, before), None)
    return moved.at if moved and moved.at + customer.lag < before else None


def churned(customer: ChartMogulCustomer, before: datetime) -> datetime | None:
    """When the last MRR went, of a customer who brings none any more."""
    last = None
    for movement in movements(customer, before):
        if movement.at + customer.lag < before:
            last = movement
    return last.at if last and not last.mrr else None
