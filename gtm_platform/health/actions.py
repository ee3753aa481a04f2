"""Why the score is what it is, as names, and what to do about it, as sentences; the most pressing first.

A signal names the columns that are its evidence, so that whoever explains a score shows them beside it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import ibis

from gtm_platform.core import main_contact
from gtm_platform.lake.expressions.days import Day, days_since
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Policy, Signals
from gtm_platform.policy.companies import ChampionLeft

Flags = Mapping[str, ibis.ir.BooleanValue]


@dataclass(frozen=True)
class Signal:
    """A reason to worry, the columns that show it, and what to do about it.

    `when` is asked with the facts and scores of each customer, the overrides that apply, and the day.
    """

    name: str
    evidence: tuple[str, ...]
    action: str
    when: Callable[[ibis.Table, Flags, date], ibis.ir.BooleanValue]


def signals(policy: Policy) -> list[Signal]:
    """List the signals, the most pressing first."""
    limits, healthy = policy.health.signals, policy.health.status.healthy
    away, soon = policy.health.inactive_days, limits.renewal_days
    champion = policy.companies.champion_left
    advice = policy.health.action
    csat, tone, engagement = (number(v) for v in (limits.low_csat, limits.negative_tone, limits.low_engagement))
    return [
        Signal(
            "cancellation_scheduled",
            ("customer_status", "current_period_end"),
            advice("cancellation_scheduled"),
            lambda t, _flags, _day: is_leaving(t),
        ),
        Signal(
            "cancel_mentioned",
            ("cancel_mentioned_at", "cancel_sentence"),
            advice("cancel_mentioned"),
            lambda _t, flags, _day: flags["cancel"],
        ),
        Signal(
            "payment_delinquent",
            ("is_delinquent", "subscription_status"),
            advice("payment_delinquent"),
            lambda _t, flags, _day: flags["delinquent"],
        ),
        Signal(
            "critical_ticket_open",
            ("open_critical_tickets",),
            advice("critical_ticket_open"),
            lambda _t, flags, _day: flags["critical"],
        ),
        Signal(
            "failed_payments",
            ("failed_payments_30d",),
            advice("failed_payments"),
            lambda t, _flags, _day: t["failed_payments_30d"] > 0,
        ),
        Signal(
            "renewal_soon",
            ("current_period_end", "health_score"),
            advice("renewal_soon"),
            lambda t, _flags, day: (
                days_since(t["current_period_end"], day).between(-soon, 0) & (t["health_score"] < healthy)
            ),
        ),
        Signal(
            f"inactive_{away}d",
            ("last_seen_at", "days_since_seen"),
            advice("inactive"),
            lambda _t, flags, _day: flags["inactive"],
        ),
        Signal(
            "champion_left",
            ("company_name", "seat_deactivated", "mail_bounces", "days_since_seen"),
            advice("champion_left"),
            lambda t, _flags, _day: _is_gone(t, champion),
        ),
        Signal(
            "usage_falling",
            ("logins_14d", "logins_14d_before"),
            advice("usage_falling"),
            lambda t, _flags, _day: _is_falling(t, limits),
        ),
        Signal(
            "low_csat",
            ("csat_avg_90d", "csat_count_90d"),
            advice("low_csat"),
            lambda t, _flags, _day: t["csat_avg_90d"] < csat,
        ),
        Signal(
            "negative_tone",
            ("sentiment_90d",),
            advice("negative_tone"),
            lambda t, _flags, _day: t["sentiment_90d"] < tone,
        ),
        Signal(
            "low_engagement",
            ("logins_30d", "onboarding_pct"),
            advice("low_engagement"),
            lambda t, _flags, _day: t["engagement_score"] < engagement,
        ),
        Signal(
            "single_user",
            ("company_name",),
            advice("single_user"),
            lambda t, _flags, _day: t["company_users"] == 1,
        ),
    ]


def is_leaving(facts: ibis.Table) -> ibis.ir.BooleanValue:
    """Tell whether the customer's subscription is set to end."""
    return facts["customer_status"] == "leaving"


def _is_falling(facts: ibis.Table, limits: Signals) -> ibis.ir.BooleanValue:
    """Tell whether the logins of 14 days are at most the policy's share of those of the 14 days before."""
    before = facts["logins_14d_before"]
    return (before > 0) & (facts["logins_14d"] <= before * number(limits.falling_logins_share))


def _is_gone(facts: ibis.Table, rules: ChampionLeft) -> ibis.ir.BooleanValue:
    """Tell whether who is the main contact of a company has left, as cohorts/company_accounts says of the company."""
    days, of_company = facts["days_since_seen"], facts["company_days_since_seen"]
    is_colleague = (of_company < days).fill_null(True)
    alone_silent = main_contact.is_silent(facts, rules) & is_colleague & main_contact.is_active(of_company, rules)
    return facts["is_main_contact"].fill_null(False) & (main_contact.has_gone(facts, rules) | alone_silent)


def columns(facts: ibis.Table, flags: Flags, policy: Policy, day: Day) -> dict[str, ibis.ir.ArrayValue]:
    """Return the names of the signals that apply, sorted, and what to do about them, in their order."""
    applying = [(signal, signal.when(facts, flags, day)) for signal in signals(policy)]
    return {
        "risk_signals": _where([(when, signal.name) for signal, when in applying]).sort(),
        "recommended_actions": _where([(when, signal.action) for signal, when in applying]),
    }


def _where(pairs: list[tuple[ibis.ir.BooleanValue, str]]) -> ibis.ir.ArrayValue:
    every = ibis.array([ibis.ifelse(when, text, ibis.null("string")) for when, text in pairs])
    return every.filter(lambda text: text.notnull())
