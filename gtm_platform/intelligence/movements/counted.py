"""What subscriptions come to by a definition of MRR, and the steps from one definition to another."""

from collections.abc import Iterator

import ibis

from gtm_platform.core.customer_status import ENDED
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.policy import Money, MrrPolicy

NOTHING = ibis.literal(0, money.MAJOR)
# The causes by which two definitions differ, in the order in which they are taken apart.
OF_STATUS = {
    "trialing": "trial",
    "past_due": "past due",
    "unpaid": "unpaid",
    "paused": "paused",
    "active": "active",
}
PAUSE, DISCOUNT, END, FX = "paused collection", "discount", "end of service", "fx"
CAUSES = (*OF_STATUS.values(), PAUSE, DISCOUNT, END, FX)


def counted(subscriptions: ibis.Table, rules: MrrPolicy, day: Day) -> ibis.ir.DecimalValue:
    """Return what each subscription counts for, in major units of its currency."""
    collects = subscriptions["pause"].isnull() | subscriptions["pause"].isin(rules.count_paused_collection)
    runs = subscriptions["status"].isin(rules.statuses) & collects
    if rules.ends == "scheduled":
        runs = runs & (subscriptions["standing"].fill_null("") != "leaving")
    if rules.ends == "service_end":
        is_paid_for = (subscriptions["current_period_end"] >= end_of(day)).fill_null(False)
        runs = runs | ((subscriptions["status"] == ENDED) & is_paid_for)
    amount = ibis.coalesce(subscriptions[f"mrr_{rules.discounts}"], NOTHING)
    worth: ibis.ir.DecimalValue = ibis.ifelse(runs.fill_null(False), amount, NOTHING)
    return worth


def steps(first: MrrPolicy, last: MrrPolicy) -> Iterator[tuple[str, MrrPolicy]]:
    """Yield the causes by which two definitions differ, each with the definition that has changed so far.

    What a changed rate does is no matter of subscriptions, and is what remains between the last step and `last`.
    """
    now = first
    for status, cause in OF_STATUS.items():
        if (status in first.statuses) != (status in last.statuses):
            rest = tuple(each for each in now.statuses if each != status)
            now = now.model_copy(update={"statuses": (*rest, status) if status in last.statuses else rest})
            yield cause, now
    for cause, field in ((PAUSE, "count_paused_collection"), (DISCOUNT, "discounts"), (END, "ends")):
        value = getattr(last, field)
        if value != getattr(now, field):
            now = now.model_copy(update={field: value})
            yield cause, now


def book(subscriptions: ibis.Table, definitions: dict[str, MrrPolicy], rules: Money, day: Day) -> ibis.Table:
    """Return [customer_id, currency] with what each definition comes to, in whole minor units."""
    owned = subscriptions.filter(subscriptions["is_leading"])
    currency = owned["currency"].fill_null(rules.reporting_currency).lower()
    worth = owned.select(
        "customer_id",
        currency=currency,
        **{name: counted(owned, definition, day) for name, definition in definitions.items()},
    )
    sums = worth.group_by("customer_id", "currency").agg(**{name: worth[name].sum() for name in definitions})
    has_rate = sums["currency"].isin([*rules.rates])
    return sums.filter(has_rate).select(
        "customer_id", "currency", **{name: money.minor(sums[name], sums["currency"]) for name in definitions}
    )


def in_reporting(minor: ibis.Value, currency: ibis.ir.StringValue, rules: Money) -> ibis.ir.IntegerValue:
    """Convert whole minor units of a currency into those of the reporting currency, rounded once."""
    return reporting_minor(money.major(minor, currency), currency, rules)


def reporting_minor(amount: ibis.Value, currency: ibis.ir.StringValue, rules: Money) -> ibis.ir.IntegerValue:
    """Convert major units into whole minor units of the reporting currency; null without a rate."""
    return money.minor(money.reported(amount, currency, rules), ibis.literal(rules.reporting_currency))
