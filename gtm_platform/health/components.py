"""What a health score is made of: six components (0 to 100, null without data), their mean, overrides, churn risk."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TypeAlias

import ibis

from gtm_platform.core.activity import engagement as logins_and_onboarding
from gtm_platform.lake.expressions.days import Day, days_since, within
from gtm_platform.lake.expressions.literals import number
from gtm_platform.lake.expressions.rounding import points
from gtm_platform.lake.expressions.scores import capped, mixed
from gtm_platform.policy import Churn, Health, Policy
from gtm_platform.policy.health import Refinements

Facts: TypeAlias = "Mapping[str, ibis.Value] | ibis.Table"

DAYS_A_MONTH = 30.4375

# The columns that each component and each override is made of.
INPUTS = {
    "activity": ("days_since_seen",),
    "support": ("csat_avg_90d", "csat_count_90d", "sentiment_90d"),
    "payment": ("subscription_status", "failed_payments_30d"),
    "engagement": ("logins_30d", "onboarding_pct"),
    "tenure": ("signup_at", "first_paid_at"),
    "mrr": ("mrr_reporting",),
}
HELD_BY = {"inactive": "activity", "delinquent": "payment"}  # overrides, and the components that hold the same
LOGIN_DAYS = 30  # that logins are counted over
OVERRIDE_INPUTS = {
    "cancel": ("cancel_mentioned_at",),
    "delinquent": ("is_delinquent",),
    "inactive": ("days_since_seen",),
    "critical": ("open_critical_tickets",),
}


def scores(facts: ibis.Table, rules: Health, day: Day) -> dict[str, ibis.ir.FloatingValue]:
    """Return the score of every component; null where there are no data for it."""
    return {
        "activity": activity(days_unseen(facts, rules, day), rules),
        "support": support(facts, rules),
        "payment": payment(facts, rules),
        "engagement": engagement(facts, rules, day),
        "tenure": tenure(facts["signup_at"], facts["first_paid_at"], rules, day),
        "mrr": mrr(facts["mrr_reporting"]),
    }


def days_unseen(facts: ibis.Table, rules: Health, day: Day) -> ibis.ir.IntegerValue:
    """Count the days since a customer was seen; by a refinement from sign-up where it never was."""
    seen = facts["days_since_seen"]
    if not rules.refinements.never_seen_counts_from_signup:
        return seen
    others_are_seen = seen.count().over(ibis.window()) > 0
    return ibis.coalesce(seen, ibis.ifelse(others_are_seen, days_since(facts["signup_at"], day), None))


def activity(days: ibis.ir.IntegerValue, rules: Health) -> ibis.ir.FloatingValue:
    """Score the days since last seen: linear between the policy's points, level before and after them."""
    corners = rules.activity_points
    lines = [
        (days <= later, number(high) + (days - early) * number(low - high) / (later - early))
        for (early, high), (later, low) in pairwise(corners)
    ]
    (first, most), (_, least) = corners[0], corners[-1]
    return ibis.cases((days.isnull(), None), (days <= first, number(most)), *lines, else_=number(least))


def support(facts: Facts, rules: Health) -> ibis.ir.FloatingValue:
    """Score ratings and tone, mixed."""
    csat, tone = rating(facts, rules), facts["sentiment_90d"]
    return mixed((rules.csat_share, (csat - 1) / 4 * 100), (rules.tone_share, (tone + 1) / 2 * 100))


def rating(facts: Facts, rules: Health) -> ibis.ir.FloatingValue:
    """Return the mean rating; by a refinement with some answers added, so that a single one says less."""
    mean, added = facts["csat_avg_90d"], rules.refinements.csat_prior_answers
    if not added:
        return mean
    answers = ibis.coalesce(facts["csat_count_90d"], 1).cast("float64")
    return (mean * answers + number(added * rules.refinements.csat_prior)) / (answers + added)


def payment(facts: Facts, rules: Health) -> ibis.ir.FloatingValue:
    """Score the status of the newest subscription, less each failed payment.

    By a refinement the first ones of the 30 days do not count.
    """
    status, failed = facts["subscription_status"], facts["failed_payments_30d"].fill_null(0)
    by_status = status.cases(*[(name, number(value)) for name, value in rules.payment_points])
    if forgiven := rules.refinements.failed_payments_from - 1:
        failed = ibis.ifelse(failed > forgiven, failed - forgiven, 0)
    left = by_status - failed * number(rules.failed_payment_points)
    return ibis.ifelse(left < 0, number(0), left)


def engagement(facts: Facts, rules: Health, day: Day) -> ibis.ir.FloatingValue:
    """Score logins and onboarding as core/activity does; by a refinement of as many days as there were."""
    if not rules.refinements.logins_by_days_since_signup:
        return facts["engagement_score"]
    age = days_since(facts["signup_at"], day)
    days = ibis.cases((age.isnull() | (age > LOGIN_DAYS), LOGIN_DAYS), (age < 1, 1), else_=age)
    return logins_and_onboarding(facts["logins_30d"] * number(LOGIN_DAYS) / days, facts["onboarding_pct"], rules)


def tenure(
    signup: ibis.ir.TimestampValue, paid: ibis.ir.TimestampValue, rules: Health, day: Day
) -> ibis.ir.FloatingValue:
    """Score the months since sign-up or first payment, whichever came first."""
    age = _days_as_customer(signup, paid, day)
    months = age / number(DAYS_A_MONTH)
    score = capped(months / number(rules.months_for_full_tenure)) * 100
    if not rules.refinements.tenure_from_days:
        return score
    return ibis.ifelse(age < rules.refinements.tenure_from_days, None, score)


def _days_as_customer(signup: ibis.ir.TimestampValue, paid: ibis.ir.TimestampValue, day: Day) -> ibis.ir.IntegerValue:
    began = ibis.cases((paid.isnull(), signup), (signup.isnull(), paid), (signup < paid, signup), else_=paid)
    return days_since(began, day)


def is_new(rows: ibis.Table, rules: Refinements, day: Day) -> ibis.ir.BooleanValue:
    """Tell of scored rows who is too new, or of whom too little is known, for a status by score."""
    is_young = _days_as_customer(rows["signup_at"], rows["first_paid_at"], day) < rules.new_within_days
    return is_young.fill_null(False) | (rows["health_confidence"] < number(rules.new_below_confidence))


def mrr(amount: ibis.ir.DecimalValue) -> ibis.ir.FloatingValue:
    """Score the percentile among those who pay; 0 for who pays nothing."""
    pays = amount > 0
    among = ibis.window(group_by=pays)
    rank = ibis.percent_rank().over(ibis.window(group_by=pays, order_by=amount)) * 100
    rank = ibis.ifelse(pays.count().over(among) == 1, number(100), rank)
    return ibis.cases((pays, rank), (pays.isnull(), None), else_=number(0))


def base(scores: Mapping[str, ibis.Value], rules: Health) -> ibis.ir.FloatingValue:
    """Return the mean of the scores that have data, by weight; null where none has."""
    total = confidence(scores, rules) * 100
    weighted = [number(getattr(rules.weights, name)) * score.fill_null(0) for name, score in scores.items()]
    return _sum(weighted) / total.nullif(0)


def total(base: ibis.ir.FloatingValue, taken: Iterable[ibis.ir.IntegerValue]) -> ibis.ir.FloatingValue:
    """Return the base with the points of the overrides, not yet rounded, nor kept within 0 and 100."""
    for override in taken:
        base = base + override
    return base


def confidence(scores: Mapping[str, ibis.Value], rules: Health) -> ibis.ir.FloatingValue:
    """Return the share of the weights that have data."""
    weights = [
        ibis.ifelse(score.notnull(), number(getattr(rules.weights, name)), number(0)) for name, score in scores.items()
    ]
    return _sum(weights) / 100


def _sum(values: list[ibis.Value]) -> ibis.ir.FloatingValue:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def applying_overrides(facts: ibis.Table, policy: Policy, day: Day) -> dict[str, ibis.ir.BooleanValue]:
    """Tell which overrides apply to each customer."""
    conditions = {
        "cancel": within(facts["cancel_mentioned_at"], day, policy.support.cancel_days),
        "delinquent": facts["is_delinquent"],
        "inactive": days_unseen(facts, policy.health, day) >= policy.health.inactive_days,
        "critical": facts["open_critical_tickets"] > 0,
    }
    return {name: applies.fill_null(False) for name, applies in conditions.items()}


def override_points(
    facts: ibis.Table, applying: Mapping[str, ibis.ir.BooleanValue], policy: Policy, day: Day
) -> dict[str, ibis.ir.IntegerValue]:
    """Return the points that each override takes off scored facts; all that apply count."""
    rules = policy.health
    taken = {name: ibis.ifelse(applies, getattr(rules.overrides, name), 0) for name, applies in applying.items()}
    if ramp := rules.refinements.inactive_ramp_days:
        share = capped((days_unseen(facts, rules, day) - rules.inactive_days) / number(ramp))
        grown = (number(rules.overrides.inactive) * share).round()
        taken["inactive"] = ibis.ifelse(applying["inactive"], grown, 0)
    if not rules.refinements.overrides_beside_components:
        for name, component in HELD_BY.items():
            taken[name] = ibis.ifelse(facts[f"{component}_score"].notnull(), 0, taken[name])
    return {name: points_taken.cast("int64") for name, points_taken in taken.items()}


FORMULA, MODEL = "formula", "model"


def churn_risk(
    score: ibis.ir.IntegerValue, cancel: ibis.ir.BooleanValue, leaving: ibis.ir.BooleanValue, rules: Churn
) -> ibis.ir.IntegerValue:
    """Return the risk of losing the customer within 90 days, in percent, by formula from its score.

    Who spoke of cancelling, and whose subscription is set to end, has at least what policy says.
    """
    risk = points(100 / (1 + ((score - number(rules.midpoint)) / number(rules.slope)).exp()))
    for applies, least in (
        (cancel, rules.min_risk_after_cancel_mention),
        (leaving, rules.min_risk_when_leaving),
    ):
        risk = ibis.ifelse(applies & (risk < int(least)), int(least), risk)
    return risk.cast("int64")
