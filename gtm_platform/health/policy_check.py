"""What is wrong with rules before they are used: contradictions, rules that never fire, statuses that nobody reaches,
and worse customers who score higher. Each is shown on customers that the rules are tried on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, Literal

from gtm_platform.health import example_customers
from gtm_platform.health.actions import signals
from gtm_platform.health.customer_health import COMPONENTS, OVERRIDES, STATUSES
from gtm_platform.policy import Policy

Kind = Literal["contradiction", "never_fires", "always_fires", "out_of_reach", "worse_scores_higher", "weak_spot"]
Row = Mapping[str, Any]

ERRORS: tuple[Kind, ...] = ("contradiction", "out_of_reach", "worse_scores_higher")
TOP_MRR = 1001  # more than anybody else pays
SCORED_BY_RANK = ("mrr_reporting",)  # its score depends on who else pays


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with the rules, and a customer that shows it where there is one."""

    kind: Kind
    key: str  # of the policy file
    about: str
    example: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the rules should not be used as they are."""
        return self.kind in ERRORS


def check(policy: Policy) -> list[Finding]:
    """List what is wrong with the rules, the worst first."""
    top = {**example_customers.best(policy), "mrr_reporting": TOP_MRR}
    kinds = [top, example_customers.worst(policy), *example_customers.at_random(policy)]
    series, pair = list(_series(policy)), _never_seen_and_seen(policy)
    customers = [*kinds, *pair, *(customer for each in series for customer in each.customers())]
    judged = iter(example_customers.judged(customers, policy))  # at once: each call takes a while
    rows, (never, seen) = list(islice(judged, len(kinds))), islice(judged, len(pair))
    findings = [
        *_contradictions(policy),
        *_worse_scores_higher(series, [list(islice(judged, len(each.values))) for each in series]),
        *_statuses(rows, policy),
        *_signals(rows, policy),
        *_overrides(rows),
        *_thresholds(policy, rows),
        *_weak_spots(never, seen, policy),
    ]
    return sorted(findings, key=lambda finding: not finding.is_error)


@dataclass(frozen=True)
class Series:
    """A customer made worse and worse in one fact."""

    fact: str
    values: Sequence[Any]
    base: Row

    def customers(self) -> list[Row]:
        return [{**self.base, self.fact: value} for value in self.values]


def _series(policy: Policy) -> Iterator[Series]:
    """Yield a good, a middling and a bad customer made worse in each fact."""
    values = example_customers.from_best_to_worst(policy)
    middling = {name: each[len(each) // 2] for name, each in values.items()}
    for fact, each in values.items():
        if fact not in SCORED_BY_RANK:
            for base in (example_customers.best(policy), middling, example_customers.worst(policy)):
                yield Series(fact, each, base)


def _contradictions(policy: Policy) -> Iterator[Finding]:
    rules = policy.health
    for first, second in (("csat_share", "tone_share"), ("logins_share", "onboarding_share")):
        total = getattr(rules, first) + getattr(rules, second)
        if abs(total - 1) > 1e-9:
            yield Finding(
                "contradiction",
                f"health.{first}",
                f"{first} and {second} add up to {total:g}, not to 1: a component would not reach from 0 to 100.",
            )
    if policy.health.signals.low_engagement > 0 and not policy.health.weights.engagement:
        yield Finding(
            "contradiction",
            "health.weights.engagement",
            "Low engagement is a signal, and engagement weighs nothing in the score.",
        )


def _worse_scores_higher(series: Sequence[Series], judged: Sequence[Sequence[Row]]) -> Iterator[Finding]:
    """Yield the first example of each fact in which a customer who is worse in it scores higher."""
    shown = set[str]()
    for each, rows in zip(series, judged, strict=True):
        if each.fact not in shown and (finding := _first_rise(each.fact, each.values, rows)):
            shown.add(each.fact)
            yield finding


def _first_rise(fact: str, values: Sequence[Any], rows: Sequence[Row]) -> Finding | None:
    for (better, row), (worse, next_row) in pairwise(zip(values, rows, strict=True)):
        before, after = row["base_score"] + _taken(row), next_row["base_score"] + _taken(next_row)
        if after > before + 1e-9:
            example = f"{fact} {better} scores {row['health_score']}, {fact} {worse} scores {next_row['health_score']}"
            return Finding("worse_scores_higher", KEYS.get(fact, "health"), f"A worse {fact} scores higher.", example)
    return None


KEYS = {"days_since_seen": "health.activity_points", "subscription_status": "health.payment_points"}


def _taken(row: Row) -> int:
    return sum(row[f"override_{name}"] for name in OVERRIDES)


def _statuses(rows: Sequence[Row], policy: Policy) -> Iterator[Finding]:
    scores = [row["health_score"] for row in rows if row["health_score"] is not None]
    least, most = min(scores), max(scores)
    borders = dict(policy.health.status)
    upper = 100
    for status in STATUSES:
        if borders[status] > most:
            yield Finding(
                "out_of_reach",
                f"health.status.{status}",
                f"Nobody is {status}: it begins at {borders[status]}, and the best customer scores {most}.",
            )
        elif upper < least:
            yield Finding(
                "out_of_reach",
                f"health.status.{status}",
                f"Nobody is {status}: it ends at {upper}, and the worst customer scores {least}.",
            )
        upper = borders[status] - 1


def _signals(rows: Sequence[Row], policy: Policy) -> Iterator[Finding]:
    best = set(rows[0]["risk_signals"])
    every = {name for row in rows for name in row["risk_signals"]}
    for signal in signals(policy):
        if signal.name not in every:
            yield Finding("never_fires", "health.signals", f"No customer that there can be has {signal.name}.")
        elif signal.name in best:
            yield Finding("always_fires", "health.signals", f"Even the best customer has {signal.name}.")


def _overrides(rows: Sequence[Row]) -> Iterator[Finding]:
    for name in OVERRIDES:
        if not any(row[f"override_{name}"] for row in rows):
            yield Finding(
                "never_fires", f"health.overrides.{name}", f"The override {name} takes no points off anybody."
            )


def _thresholds(policy: Policy, rows: Sequence[Row]) -> Iterator[Finding]:
    alerts, churn, status = policy.alerts, policy.health.churn, policy.health.status
    scores = [row["health_score"] for row in rows if row["health_score"] is not None]
    if alerts.health_drop_points > max(scores) - min(scores):
        yield Finding(
            "never_fires",
            "alerts.health_drop_points",
            f"No score can fall by {alerts.health_drop_points} points: they reach from {min(scores)} to {max(scores)}.",
        )
    if alerts.health_drop_margin > status.healthy:
        yield Finding(
            "never_fires", "alerts.health_drop_margin", "No score can be so far below the border of a status."
        )
    risks = [row["churn_risk"] for row in rows if row["churn_risk"] is not None]
    for name in ("min_risk_after_cancel_mention", "min_risk_when_leaving"):
        if getattr(churn, name) <= min(risks):
            yield Finding(
                "never_fires", f"health.churn.{name}", "Every customer has at least this risk by the formula."
            )
    for component in COMPONENTS:
        if not getattr(policy.health.weights, component):
            yield Finding("never_fires", f"health.weights.{component}", f"{component} weighs nothing in the score.")


def _never_seen_and_seen(policy: Policy) -> tuple[Row, Row]:
    payer = {**dict.fromkeys(example_customers.best(policy)), "subscription_status": "active"}
    if policy.health.refinements.never_seen_counts_from_signup:
        payer["signup_at"] = example_customers.days_ago(2 * policy.health.inactive_days)
    return payer, {**payer, "days_since_seen": policy.health.inactive_days}


def _weak_spots(never: Row, seen: Row, policy: Policy) -> Iterator[Finding]:
    """Compare a customer who was never seen with one who was seen long ago: what is missing is not counted."""
    if never["health_score"] > seen["health_score"]:
        days = policy.health.inactive_days
        yield Finding(
            "weak_spot",
            "health.weights.activity",
            "Who was never seen scores higher than who was seen: what is missing is not counted.",
            f"never seen scores {never['health_score']}, seen {days} days ago scores {seen['health_score']}",
        )
