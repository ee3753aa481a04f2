"""What of a subscription counts as revenue, by the rules of the day: the source stores facts, and the rules choose.

A changed rule so reaches every day that is computed again, whenever its subscriptions were read.
"""

from datetime import date

import ibis

from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import end_of
from gtm_platform.policy import Stripe

COUNTED_STATUSES = ("active", "past_due")
NOTHING = ibis.literal(0, "decimal(24, 6)")


def counted(subscriptions: ibis.Table, rules: Stripe, day: date) -> ibis.Table:
    """Add mrr and arr, in minor units, of the phase at the end of the day; 0 where the rules count none."""
    end = end_of(day)
    now = subscriptions["phases"].filter(
        lambda p: (p["begins"].isnull() | (p["begins"] < end)) & (p["ends"].isnull() | (p["ends"] >= end))
    )
    counts = is_counted(subscriptions, rules)
    amounts = {name: _total(now, f"{name}_{rules.discounts}") for name in ("mrr", "arr")}
    return subscriptions.mutate(**{name: ibis.ifelse(counts, amount, NOTHING) for name, amount in amounts.items()})


def _total(phases: ibis.Value, field: str) -> ibis.ir.DecimalValue:
    return money.exact(phases.map(lambda phase: phase[field]).sums()).fill_null(0)


def is_counted(subscriptions: ibis.Table, rules: Stripe) -> ibis.ir.BooleanValue:
    """Whether a subscription brings revenue by its status and collection; a simulated one never does."""
    paused = subscriptions["paused_collection"]
    collects = paused.isnull() | paused.isin(rules.count_paused_collection)
    return subscriptions["status"].isin(COUNTED_STATUSES) & collects & ~subscriptions["is_simulated"].fill_null(False)
