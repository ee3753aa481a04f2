"""Of what the change of a score from one day to another is made: the parts, which add up to it exactly.

First comes what is not of the customer: code, rules, late data, who is who. The rest is the customer's, fact by fact:
each fact counts as the mean of what it changes when the facts turn from then to now one after the other, in the order
in which they are listed and in the reverse order. What rounding and the borders at 0 and 100 add or take is spread
over the parts by their size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis

from gtm_platform.core.activity import engagement as logins_and_onboarding
from gtm_platform.health import components
from gtm_platform.health.customer_health import COMPONENTS, OVERRIDES
from gtm_platform.health.score_change_columns import CAUSES, CUSTOMER, POINTS
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Health

# What a score is made of, fact by fact: the component or override, the fact, and its column.
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
COLUMNS = tuple(dict.fromkeys([*STATE, *(column for _, _, column in FACTS), "csat_count_90d", "signup_at", "as_of"]))
PART = ("cause", "component", "fact", "points")


@dataclass(frozen=True)
class Walk:
    """The columns with the total after each fact turned from then to now, and before the first."""

    start: str
    after: Mapping[int, str]


def bounded_total(rows: ibis.Table) -> ibis.ir.FloatingValue:
    """Return what a score comes to before it is rounded."""
    return _bounded(components.total(rows["base_score"], [rows[f"override_{name}"] for name in OVERRIDES]))


def parts_of(pairs: ibis.Table, rules: Health) -> ibis.Table:
    """Return a row per part that is not 0: customer_id, cause, component, fact, points.

    A pair has a customer's columns of both days, `then_…` (as the causes that are not the customer's leave them) and
    `now_…`, the totals `total_then` and after each cause, and `change`, what the parts have to come to.
    """
    pairs = pairs.mutate(**_turning(pairs, rules))
    forward, pairs = _walk(pairs, "forward", range(len(FACTS)), rules)
    backward, pairs = _walk(pairs, "backward", range(len(FACTS) - 1, -1, -1), rules)
    return _listed(_adding_up(pairs.mutate(**_raw(pairs, forward, backward))))


def named(rows: ibis.Table, when: str) -> ibis.Table:
    """Return the columns of a day as those of a pair."""
    return rows.select("customer_id", **{f"{when}_{name}": rows[name] for name in COLUMNS})


def _turning(pairs: ibis.Table, rules: Health) -> dict[str, ibis.Value]:
    """Return the scores of components of two facts while only the first, or only the second, is that of now."""
    scores: dict[str, ibis.Value] = {}
    for half, first, second in (("first", "now", "then"), ("second", "then", "now")):
        facts = {name: pairs[f"{second}_{name}"] for name in COLUMNS if name not in STATE}
        firsts = ("csat_avg_90d", "csat_count_90d", "subscription_status", "logins_30d", "signup_at", "as_of")
        facts |= {name: pairs[f"{first}_{name}"] for name in firsts}
        facts["engagement_score"] = logins_and_onboarding(facts["logins_30d"], facts["onboarding_pct"], rules)
        scores |= {
            f"{half}_support_score": components.support(facts, rules),
            f"{half}_payment_score": components.payment(facts, rules),
            f"{half}_engagement_score": components.engagement(facts, rules, facts["as_of"]),
        }
    return scores


def _walk(pairs: ibis.Table, name: str, order: Sequence[int], rules: Health) -> tuple[Walk, ibis.Table]:
    """Turn one fact after the other from then to now, and keep the total after each."""
    state = {column: f"then_{column}" for column in STATE}
    totals = {f"{name}_start": _total_of(pairs, state, rules)}
    turned: set[str] = set()
    for index in order:
        component = FACTS[index][0]
        column = component if component.startswith("override_") else f"{component}_score"
        facts = [place for place, fact in enumerate(FACTS) if fact[0] == component]
        half = "first" if index == facts[0] else "second"
        state[column] = f"now_{column}" if len(facts) == 1 or component in turned else f"{half}_{column}"
        turned.add(component)
        totals[f"{name}_{index}"] = _total_of(pairs, state, rules)
    return Walk(f"{name}_start", {index: f"{name}_{index}" for index in order}), pairs.mutate(**totals)


def _total_of(pairs: ibis.Table, state: Mapping[str, str], rules: Health) -> ibis.ir.FloatingValue:
    scores = {name: pairs[state[f"{name}_score"]] for name in COMPONENTS}
    base = components.base(scores, rules).fill_null(0)
    return _bounded(components.total(base, [pairs[state[f"override_{name}"]] for name in OVERRIDES]))


def _bounded(total: ibis.ir.FloatingValue) -> ibis.ir.FloatingValue:
    return ibis.cases((total < 0, number(0)), (total > 100, number(100)), else_=total)


def _raw(pairs: ibis.Table, forward: Walk, backward: Walk) -> dict[str, ibis.Value]:
    """Return each part before rounding, in columns raw_0, raw_1, …: first the causes, then the facts."""
    raw: list[ibis.Value] = []
    before = pairs["total_then"]
    for cause in CAUSES:
        after = pairs[f"total_{cause}"].fill_null(before)
        raw.append(after - before)
        before = after
    for index in range(len(FACTS)):
        walks = [_step(pairs, walk, index) for walk in (forward, backward)]
        raw.append((walks[0] + walks[1]) / 2)
    return {f"raw_{n}": part.fill_null(0).round(9).cast("decimal(18, 9)") for n, part in enumerate(raw)}


def _step(pairs: ibis.Table, walk: Walk, index: int) -> ibis.Value:
    names = [walk.start, *walk.after.values()]
    own = walk.after[index]
    return pairs[own] - pairs[names[names.index(own) - 1]]


def _adding_up(pairs: ibis.Table) -> ibis.Table:
    """Add points_0, points_1, …, which add up to the change: what is left goes to the parts by their size.

    The last ten-thousandths go to the largest part; where there is none, to the first, which is code.
    """
    count = len(CAUSES) + len(FACTS)
    raw = [pairs[f"raw_{n}"] for n in range(count)]
    pairs = pairs.mutate(
        size=_sum([part.abs() for part in raw]),
        total=_sum(raw),
        largest=ibis.greatest(*[part.abs() for part in raw]),
    )
    left = (pairs["change"].cast("float64") - pairs["total"].cast("float64")) / pairs["size"].cast("float64").nullif(0)
    spread = [
        (part.cast("float64") + (left * part.abs().cast("float64")).fill_null(0)).round(4).cast(POINTS) for part in raw
    ]
    pairs = pairs.mutate(
        **{f"spread_{n}": part for n, part in enumerate(spread)},
        bearer=ibis.cases(*[(pairs[f"raw_{n}"].abs() == pairs["largest"], n) for n in range(count)]),
    )
    rest = pairs["change"].cast(POINTS) - _sum([pairs[f"spread_{n}"] for n in range(count)])
    return pairs.mutate(
        **{
            f"points_{n}": (pairs[f"spread_{n}"] + ibis.ifelse(pairs["bearer"] == n, rest, 0)).cast(POINTS)
            for n in range(count)
        }
    )


def _sum(values: Sequence[ibis.Value]) -> ibis.Value:
    total = values[0]
    for each in values[1:]:
        total = total + each
    return total


def _listed(pairs: ibis.Table) -> ibis.Table:
    rows = [
        ibis.struct({"cause": ibis.literal(cause), "component": "", "fact": "", "points": pairs[f"points_{n}"]})
        for n, cause in enumerate(CAUSES)
    ]
    for n, (component, fact, column) in enumerate(FACTS, start=len(CAUSES)):
        is_same = pairs[f"then_{column}"].identical_to(pairs[f"now_{column}"])
        name = ibis.ifelse(is_same, OTHERS_MRR, fact) if component == "mrr" else ibis.literal(fact)
        part = {"cause": ibis.literal(CUSTOMER), "component": component, "fact": name, "points": pairs[f"points_{n}"]}
        rows.append(ibis.struct(part))
    parts = pairs.select("customer_id", part=ibis.array(rows).unnest())
    parts = parts.select("customer_id", **{name: parts["part"][name] for name in PART})
    return parts.filter(parts["points"] != 0)
