"""`health/score_changes`: of what each change of a score is made. The parts add up to the change, exactly.

First comes what is not of the customer: code, rules, late data, who is who. The rest is the customer's, fact by fact:
each fact counts as the mean of what it changes when the facts turn from then to now one after the other, in the order
in which they are listed and in the reverse order. What rounding and the borders at 0 and 100 add or take is
spread over the parts by their size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis

from gtm_platform.core.activity import engagement
from gtm_platform.health import components
from gtm_platform.health.customer_health import AGO, COMPONENTS, OVERRIDES, facts
from gtm_platform.health.past_scores import CAUSES, Past, past_scores, standing
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, DaysAgo, Prepared
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Health as HealthRules
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

POINTS = "decimal(9, 4)"
CUSTOMER = "customer"

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "days": Column("int64", "How many days ago the score is compared with.", False, lambda v: v.isin(tuple(AGO))),
        "cause": Column(
            "string",
            "customer: what it did, or did not do. late_data: of that time, and read later. identity: records that "
            "belong to another customer since. rules: another policy. code: another version of the platform.",
            False,
            lambda v: v.isin((CUSTOMER, *CAUSES)),
        ),
        "component": Column("string", "Component or override that the fact belongs to; empty but for customer.", False),
        "fact": Column("string", "What changed; empty but for customer.", nullable=False),
        "before": Column("string", "Its value then."),
        "after": Column("string", "Its value on the day."),
        "points": Column(POINTS, "The part of the change.", nullable=False),
        "change": Column("int64", "The change of the score, which the parts add up to.", nullable=False),
    },
    key=("customer_id", "days", "cause", "component", "fact"),
    about="Of what each change of a health score since yesterday, 7 and 30 days ago is made; the parts add up to it.",
    figures={
        "customers": lambda t: t["customer_id"].nunique(),
        "by_customers": lambda t: t["points"].abs().sum(where=t["cause"] == CUSTOMER),
        "by_others": lambda t: t["points"].abs().sum(where=t["cause"] != CUSTOMER),
    },
)

# What a score is made of, fact by fact: the component or override, and the columns of the fact.
FACTS: tuple[tuple[str, str, str], ...] = (
    ("activity", "days_since_seen", "days_since_seen"),
    ("support", "csat_avg_90d", "csat_avg_90d"),
    ("support", "sentiment_90d", "sentiment_90d"),
    ("payment", "subscription_status", "subscription_status"),
    ("payment", "failed_payments_30d", "failed_payments_30d"),
    ("engagement", "logins_30d", "logins_30d"),
    ("engagement", "onboarding_pct", "onboarding_pct"),
    ("tenure", "time_as_customer", "first_paid_at"),
    ("mrr", "mrr_reporting", "mrr_reporting"),
    ("override_cancel", "cancel_mentioned_at", "cancel_mentioned_at"),
    ("override_delinquent", "is_delinquent", "is_delinquent"),
    ("override_inactive", "days_since_seen", "days_since_seen"),
    ("override_critical", "open_critical_tickets", "open_critical_tickets"),
)
OTHERS_MRR = "mrr_of_other_customers"  # moves the percentile of who pays the same as before
STATE = (*(f"{name}_score" for name in COMPONENTS), *(f"override_{name}" for name in OVERRIDES))
COLUMNS = tuple(dict.fromkeys([*STATE, *(column for _, _, column in FACTS)]))


@dataclass(frozen=True)
class Walk:
    """The columns with the total after each fact turned from then to now, and before the first."""

    start: str
    after: Mapping[int, str]


def table(
    people: ibis.Table,
    profile: ibis.Table,
    revenue: ibis.Table,
    activity: ibis.Table,
    support: ibis.Table,
    health: ibis.Table,
    past: Sequence[Past],
    policy: Policy,
) -> ibis.Table:
    """Return the parts of each change that there is."""
    now = standing(health, facts(people, profile, revenue, activity, support))
    rules = policy.health
    pairs = ibis.union(*[_pairs(each, now) for each in past])
    pairs = pairs.mutate(**_turning(pairs, rules))
    forward, pairs = _walk(pairs, "forward", range(len(FACTS)), rules)
    backward, pairs = _walk(pairs, "backward", range(len(FACTS) - 1, -1, -1), rules)
    return _listed(_adding_up(pairs.mutate(**_raw(pairs, forward, backward))))


def _pairs(past: Past, now: ibis.Table) -> ibis.Table:
    """Return a row per customer with a score on both days: its facts of both, and the total after each cause."""
    last = past.steps[-1][1] if past.steps else past.stored
    # Whom a step does not judge, because it is no customer by then, is left as it is stored.
    then = _columns(last).union(_columns(past.stored.anti_join(last, "customer_id"))) if past.steps else last
    stored = past.stored.select("customer_id", score_then="health_score", total_then=_total(past.stored))
    pairs = left_join_all(
        _named(now, "now", health_score=now["health_score"]).join(_named(then, "then"), "customer_id"),
        [stored, *(step.select("customer_id", **{f"total_{cause}": _total(step)}) for cause, step in past.steps)],
    )
    present = {cause for cause, _ in past.steps}
    absent = {f"total_{cause}": ibis.null("float64") for cause in CAUSES if cause not in present}
    change = pairs["now_health_score"] - pairs["score_then"]
    pairs = pairs.mutate(**absent, change=change, days=ibis.literal(past.days, "int64"))
    causes = [f"total_{cause}" for cause in CAUSES]
    turned = [f"{when}_{name}" for name in COLUMNS for when in ("then", "now")]
    return pairs.filter(change.notnull()).select("customer_id", "days", "change", "total_then", *causes, *turned)


def _columns(rows: ibis.Table) -> ibis.Table:
    return rows.select("customer_id", *COLUMNS)


def _named(rows: ibis.Table, when: str, **more: ibis.Value) -> ibis.Table:
    columns = {name: rows[name] for name in COLUMNS} | more
    return rows.select("customer_id", **{f"{when}_{name}": column for name, column in columns.items()})


def _turning(wide: ibis.Table, rules: HealthRules) -> dict[str, ibis.Value]:
    """Return the scores of components of two facts while only the first, or only the second, is that of now."""
    scores: dict[str, ibis.Value] = {}
    for half, a, b in (("first", "now", "then"), ("second", "then", "now")):
        csat, tone = wide[f"{a}_csat_avg_90d"], wide[f"{b}_sentiment_90d"]
        status, failed = wide[f"{a}_subscription_status"], wide[f"{b}_failed_payments_30d"]
        scores |= {
            f"{half}_support_score": components.support(csat, tone, rules),
            f"{half}_payment_score": components.payment(status, failed, rules),
            f"{half}_engagement_score": engagement(wide[f"{a}_logins_30d"], wide[f"{b}_onboarding_pct"], rules),
        }
    return scores


def _walk(wide: ibis.Table, name: str, order: Sequence[int], rules: HealthRules) -> tuple[Walk, ibis.Table]:
    """Turn one fact after the other from then to now, and keep the total after each."""
    state = {column: f"then_{column}" for column in STATE}
    totals = {f"{name}_start": _total_of(wide, state, rules)}
    turned: set[str] = set()
    for index in order:
        component = FACTS[index][0]
        column = component if component.startswith("override_") else f"{component}_score"
        halves = sum(part == component for part, _, _ in FACTS)
        half = "first" if index == min(n for n, fact in enumerate(FACTS) if fact[0] == component) else "second"
        state[column] = f"now_{column}" if halves == 1 or component in turned else f"{half}_{column}"
        turned.add(component)
        totals[f"{name}_{index}"] = _total_of(wide, state, rules)
    return Walk(f"{name}_start", {index: f"{name}_{index}" for index in order}), wide.mutate(**totals)


def _total_of(wide: ibis.Table, state: Mapping[str, str], rules: HealthRules) -> ibis.ir.FloatingValue:
    scores = {name: wide[state[f"{name}_score"]] for name in COMPONENTS}
    return _bounded(
        components.total(
            components.base(scores, rules).fill_null(0), [wide[state[f"override_{name}"]] for name in OVERRIDES]
        )
    )


def _total(rows: ibis.Table) -> ibis.ir.FloatingValue:
    """Return the total of stored or computed scores, before it is rounded."""
    return _bounded(components.total(rows["base_score"], [rows[f"override_{name}"] for name in OVERRIDES]))


def _bounded(total: ibis.ir.FloatingValue) -> ibis.ir.FloatingValue:
    return ibis.cases((total < 0, number(0)), (total > 100, number(100)), else_=total)


def _raw(wide: ibis.Table, forward: Walk, backward: Walk) -> dict[str, ibis.Value]:
    """Return each part before rounding, in columns raw_0, raw_1, …: first the causes, then the facts."""
    raw: list[ibis.Value] = []
    before = wide["total_then"]
    for cause in CAUSES:
        after = wide[f"total_{cause}"].fill_null(before)
        raw.append(after - before)
        before = after
    for index in range(len(FACTS)):
        walks = [_step(wide, walk, index) for walk in (forward, backward)]
        raw.append((walks[0] + walks[1]) / 2)
    return {f"raw_{n}": part.fill_null(0).round(9).cast("decimal(18, 9)") for n, part in enumerate(raw)}


def _step(wide: ibis.Table, walk: Walk, index: int) -> ibis.Value:
    names = [walk.start, *walk.after.values()]
    own = walk.after[index]
    return wide[own] - wide[names[names.index(own) - 1]]


def _adding_up(wide: ibis.Table) -> ibis.Table:
    """Add points_0, points_1, …, which add up to the change: what is left goes to the parts by their size.

    The last ten-thousandths go to the largest part; where there is none, to the first, which is code.
    """
    count = len(CAUSES) + len(FACTS)
    raw = [wide[f"raw_{n}"] for n in range(count)]
    wide = wide.mutate(
        size=_sum([part.abs() for part in raw]),
        total=_sum(raw),
        largest=ibis.greatest(*[part.abs() for part in raw]),
    )
    left = (wide["change"].cast("float64") - wide["total"].cast("float64")) / wide["size"].cast("float64").nullif(0)
    spread = [
        (part.cast("float64") + (left * part.abs().cast("float64")).fill_null(0)).round(4).cast(POINTS) for part in raw
    ]
    wide = wide.mutate(
        **{f"spread_{n}": part for n, part in enumerate(spread)},
        bearer=ibis.cases(*[(wide[f"raw_{n}"].abs() == wide["largest"], n) for n in range(count)]),
    )
    rest = wide["change"].cast(POINTS) - _sum([wide[f"spread_{n}"] for n in range(count)])
    return wide.mutate(
        **{
            f"points_{n}": (wide[f"spread_{n}"] + ibis.ifelse(wide["bearer"] == n, rest, 0)).cast(POINTS)
            for n in range(count)
        }
    )


def _sum(values: Sequence[ibis.Value]) -> ibis.Value:
    total = values[0]
    for each in values[1:]:
        total = total + each
    return total


def _listed(wide: ibis.Table) -> ibis.Table:
    """Return a row per part that is not 0."""
    nothing = ibis.null("string")
    rows = [
        _row(wide, n, cause=ibis.literal(cause), component="", fact="", before=nothing, after=nothing)
        for n, cause in enumerate(CAUSES)
    ]
    for n, (component, fact, column) in enumerate(FACTS, start=len(CAUSES)):
        before, after = wide[f"then_{column}"], wide[f"now_{column}"]
        same = component == "mrr"
        named = ibis.ifelse(before.identical_to(after), OTHERS_MRR, fact) if same else ibis.literal(fact)
        rows.append(
            _row(
                wide,
                n,
                cause=ibis.literal(CUSTOMER),
                component=component,
                fact=named,
                before=_text(before),
                after=_text(after),
            )
        )
    parts = wide.select("customer_id", "days", "change", part=ibis.array(rows).unnest())
    parts = parts.select("customer_id", "days", "change", **{name: parts["part"][name] for name in PART})
    return parts.filter(parts["points"] != 0).select(*CONTRACT.columns)


def _text(value: ibis.Value) -> ibis.ir.StringValue:
    """Return a value as text, the same on every engine: of a moment its day, of a number at most four decimals."""
    if value.type().is_timestamp():
        value = value.date()
    elif value.type().is_floating():
        value = value.round(4).cast("decimal(18, 4)")
    return value.cast("string")


PART = ("cause", "component", "fact", "before", "after", "points")


def _row(wide: ibis.Table, number_of_part: int, **columns: ibis.Value | str) -> ibis.ir.StructValue:
    return ibis.struct({**columns, "points": wide[f"points_{number_of_part}"]})


TABLE = DailyTable(
    "health/score_changes",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "profile": "core/profile",
        "revenue": "core/revenue",
        "activity": "core/activity",
        "support": "core/support",
        "health": "health/customer_health",
        "past": Prepared(past_scores, tuple(DaysAgo("health/customer_health", days) for days in (0, max(AGO)))),
        "policy": current_policy,
    },
    rule=table,
)
