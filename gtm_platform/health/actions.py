"""Why the score is what it is, as names, and what to do about it, as sentences; the most pressing first.

A signal whose data no source brings yet (a champion who left) is left out until one does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis

from gtm_platform.lake.expressions.days import days_since
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Policy, Signals

Flags = Mapping[str, ibis.ir.BooleanValue]


@dataclass(frozen=True)
class Signal:
    """A reason to worry, and what to do about it."""

    name: str
    when: ibis.ir.BooleanValue
    action: str


def signals(facts: ibis.Table, overrides: Flags, policy: Policy, day: date) -> list[Signal]:
    """List the signals, the most pressing first; `facts` have the scores and the health of each customer."""
    limits = policy.health.signals
    away, soon = policy.health.inactive_days, limits.renewal_days
    return [
        Signal(
            "cancellation_scheduled",
            is_leaving(facts),
            "Ask what would make the customer stay: the subscription is set to end.",
        ),
        Signal("cancel_mentioned", overrides["cancel"], "Call today: the customer spoke of cancelling."),
        Signal("payment_delinquent", overrides["delinquent"], "Settle the overdue payment with the billing contact."),
        Signal("critical_ticket_open", overrides["critical"], "Escalate the critical ticket and tell the customer."),
        Signal(
            "failed_payments", facts["failed_payments_30d"] > 0, "Ask for a working payment method: charges failed."
        ),
        Signal(
            "renewal_soon",
            days_since(facts["current_period_end"], day).between(-soon, 0)
            & (facts["health_score"] < policy.health.status.healthy),
            f"Talk to the customer before it renews: that is within {soon} days.",
        ),
        Signal(f"inactive_{away}d", overrides["inactive"], f"Win the customer back: not seen for {away} days or more."),
        Signal("usage_falling", _is_falling(facts, limits), "Ask what has changed: the product is used much less."),
        Signal("low_csat", facts["csat_avg_90d"] < number(limits.low_csat), "Follow up on the poor support ratings."),
        Signal(
            "negative_tone",
            facts["sentiment_90d"] < number(limits.negative_tone),
            "Read the last messages and reach out.",
        ),
        Signal(
            "low_engagement",
            facts["engagement_score"] < number(limits.low_engagement),
            "Offer a session on getting more of the product.",
        ),
        Signal("single_user", facts["company_users"] == 1, "Get a colleague on board: one person uses the product."),
    ]


def is_leaving(facts: ibis.Table) -> ibis.ir.BooleanValue:
    """Tell whether the customer's subscription is set to end."""
    return facts["customer_status"] == "leaving"


def _is_falling(facts: ibis.Table, limits: Signals) -> ibis.ir.BooleanValue:
    """Tell whether the logins of 14 days are at most the policy's share of those of the 14 days before."""
    before = facts["logins_14d_before"]
    return (before > 0) & (facts["logins_14d"] <= before * number(limits.falling_logins_share))


def names(listed: list[Signal]) -> ibis.ir.ArrayValue:
    """Return the names of the signals that apply, sorted."""
    return _applying([(signal.when, signal.name) for signal in listed]).sort()


def sentences(listed: list[Signal]) -> ibis.ir.ArrayValue:
    """Return what to do about the signals that apply, in their order."""
    return _applying([(signal.when, signal.action) for signal in listed])


def _applying(pairs: list[tuple[ibis.ir.BooleanValue, str]]) -> ibis.ir.ArrayValue:
    every = ibis.array([ibis.ifelse(when, text, ibis.null("string")) for when, text in pairs])
    return every.filter(lambda text: text.notnull())
