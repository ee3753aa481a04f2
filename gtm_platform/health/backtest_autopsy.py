"""Why a churn was missed: what was known of the customer, from which day on, and the cheapest rule that would have
caught it.

The rules that are tried are plain conditions on what health is made from; the price of one is the number of customers
who are healthy, stayed, and would have been flagged by it. What a rule is worth is for people to decide: here stands
what it would have meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gtm_platform.health.backtest_history import Churn, History

IN_TIME = 14  # days ahead, from which on a flag is worth something


@dataclass(frozen=True)
class TriedRule:
    """A rule that could be added, and its condition on the facts of a day, in SQL."""

    name: str
    condition: str


RULES = (
    TriedRule("a critical ticket is open", "open_critical_tickets > 0"),
    TriedRule("a payment failed in 30 days", "failed_payments_30d >= 1"),
    TriedRule("two payments failed in 30 days", "failed_payments_30d >= 2"),
    TriedRule("a payment is overdue", "is_delinquent"),
    *(TriedRule(f"not seen for {days} days", f"days_since_seen >= {days}") for days in (7, 10, 14, 21, 30)),
    *(
        TriedRule(
            f"logins of 14 days fell to {share:.0%} of those of the 14 days before",
            f"logins_14d_before >= 4 and logins_14d <= {share} * logins_14d_before",
        )
        for share in (0.5, 0.25, 0)
    ),
    *(TriedRule(f"at most {most} logins in 30 days", f"logins_30d <= {most}") for most in (1, 3, 6)),
    *(TriedRule(f"mean rating of at most {most}", f"csat_avg_90d <= {most}") for most in (2, 3)),
    *(TriedRule(f"tone of at most {most}", f"sentiment_90d <= {most}") for most in (-0.2, 0)),
    *(TriedRule(f"{least} conversations in 90 days", f"conversations_90d >= {least}") for least in (5, 8)),
    *(TriedRule(f"the score fell by {by} in 30 days", f"score_change_30d <= -{by}") for by in (10, 15)),
    *(TriedRule(f"a score below {border}", f"health_score < {border}") for border in (75, 80)),
    TriedRule("the subscription is set to end", "customer_status = 'leaving'"),
)


@dataclass(frozen=True)
class Autopsy:
    """A churn that was missed: the customer was healthy to the end, or flagged too late."""

    churn: Churn
    facts: Mapping[str, Any]  # of the last day before
    first_knowable: date | None  # by any of the rules that are tried
    rule: str | None  # the cheapest that would have caught it in time, or else at all
    rule_days_ahead: int | None
    more_alarms: int | None  # customers a month who stayed, were healthy, and would have been flagged


def autopsies(history: History, churns: Sequence[Churn]) -> list[Autopsy]:
    """Examine every churn that was missed."""
    missed = [churn for churn in churns if churn.was_green or churn.days_ahead is None or churn.days_ahead < IN_TIME]
    if not missed:
        return []
    conditions = [rule.condition for rule in RULES]
    alarms = history.alarms(conditions)
    firings = {(row["customer_id"], row["day"]): row for row in history.firings(conditions, missed)}
    months = max(1, len(history.month_starts))
    return [_autopsy(history, churn, firings[(churn.customer_id, churn.day)], alarms, months) for churn in missed]


def _autopsy(
    history: History, churn: Churn, fired: Mapping[str, Any], alarms: Mapping[str, int], months: int
) -> Autopsy:
    days = {place: day for place in range(len(RULES)) if (day := fired[f"rule_{place}"])}
    in_time = {place: day for place, day in days.items() if (churn.day - day).days >= IN_TIME}
    cheapest = min(in_time or days, key=lambda place: (alarms[f"rule_{place}"], place), default=None)
    return Autopsy(
        churn=churn,
        facts=history.facts_before(churn),
        first_knowable=min(days.values(), default=None),
        rule=None if cheapest is None else RULES[cheapest].name,
        rule_days_ahead=None if cheapest is None else (churn.day - days[cheapest]).days,
        more_alarms=None if cheapest is None else -(-alarms[f"rule_{cheapest}"] // months),
    )
