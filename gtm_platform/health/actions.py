"""Why the score is what it is, as names, and what to do about it, as sentences; the most pressing first."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis

from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Policy

Flags = Mapping[str, ibis.ir.BooleanValue]


@dataclass(frozen=True)
class Signal:
    name: str
    when: ibis.ir.BooleanValue
    action: str


def signals(facts: ibis.Table, overrides: Flags, engagement: ibis.ir.FloatingValue, policy: Policy) -> list[Signal]:
    limits = policy.health.signals
    away = policy.health.inactive_days
    return [
        Signal("cancel_mentioned", overrides["cancel"], "Call today: the customer spoke of cancelling."),
        Signal("payment_delinquent", overrides["delinquent"], "Settle the overdue payment with the billing contact."),
        Signal("critical_ticket_open", overrides["critical"], "Escalate the critical ticket and tell the customer."),
        Signal(
            "failed_payments", facts["failed_payments_30d"] > 0, "Ask for a working payment method: charges failed."
        ),
        Signal(f"inactive_{away}d", overrides["inactive"], f"Win the customer back: not seen for {away} days or more."),
        Signal("low_csat", facts["csat_avg_90d"] < number(limits.low_csat), "Follow up on the poor support ratings."),
        Signal(
            "negative_tone",
            facts["sentiment_90d"] < number(limits.negative_tone),
            "Read the last messages and reach out.",
        ),
        Signal(
            "low_engagement",
            engagement < number(limits.low_engagement),
            "Offer a session on getting more of the product.",
        ),
    ]


def names(found: list[Signal]) -> ibis.ir.ArrayValue:
    return _those([(signal.when, signal.name) for signal in found]).sort()


def sentences(found: list[Signal]) -> ibis.ir.ArrayValue:
    return _those([(signal.when, signal.action) for signal in found])


def _those(pairs: list[tuple[ibis.ir.BooleanValue, str]]) -> ibis.ir.ArrayValue:
    every = ibis.array([ibis.ifelse(when, text, ibis.null("string")) for when, text in pairs])
    return every.filter(lambda text: text.notnull())
