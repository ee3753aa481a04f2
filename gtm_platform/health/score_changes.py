"""`health/score_changes`: of what each change of a score is made, since yesterday, in 7 and in 30 days.

A day's change is counted from the score that was published last, and split (`score_parts`). Changes of several days are
the sums of those of the days between: a cause is looked for once, on the day on which it came.
"""

from collections.abc import Mapping

import ibis

from gtm_platform.health import customer_health
from gtm_platform.health.customer_health import AGO
from gtm_platform.health.published_scores import FACTS as SCORED_FACTS
from gtm_platform.health.published_scores import TABLE as PUBLISHED
from gtm_platform.health.restated_scores import files_of_scores, restated_scores
from gtm_platform.health.score_change_columns import CAUSES, CONTRACT, CUSTOMER, KEY, POINTS, SPANS, UNKNOWN, Cause
from gtm_platform.health.score_parts import FACTS, bounded_total, named, parts_of
from gtm_platform.lake.daily_table import DailyTable, DaysAgo, EarlierDays, Prepared, PreviousDay
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

WITHOUT_SCORE = "time_without_score"
LONGEST = max(AGO)
SHOWN = tuple(dict.fromkeys(column for _, fact, column in FACTS if fact == column))


def table(
    now: ibis.Table,
    before: ibis.Table,
    one_day_ago: ibis.Table,
    seven_days_ago: ibis.Table,
    thirty_days_ago: ibis.Table,
    earlier: ibis.Table,
    earlier_changes: ibis.Table,
    restated: Mapping[str, ibis.Table],
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return the parts of each change that there is."""
    now = now.filter(now["health_score"].notnull())
    then = dict(zip(AGO, (one_day_ago, seven_days_ago, thirty_days_ago), strict=True))
    today = parts_of(_pairs(now, before, restated, policy), policy.health)
    today = today.union(_returned(now, before, earlier))
    sums = _sums(now, today, earlier_changes, day)
    return _with_facts(_adding_up(now, sums, then), now, then).mutate(as_of=as_scalar(day)).select(*CONTRACT.columns)


def _pairs(now: ibis.Table, before: ibis.Table, restated: Mapping[str, ibis.Table], policy: Policy) -> ibis.Table:
    """Return a row per customer with a score on both days: its columns of both, and the total after each cause."""
    rows = _replaced(before, restated["code"])
    totals = [_total(rows.view(), "code")]  # as views the engine makes them once, not once for each use
    for cause in CAUSES[1:]:
        rows = _scored(_replaced(rows, restated[cause]), policy)
        totals.append(_total(rows.view(), cause))
    stored = before.filter(before["health_score"].notnull())
    stored = stored.select("customer_id", score_then="health_score", total_then=bounded_total(stored))
    scores = now.select("customer_id", score_now="health_score").join(stored, "customer_id")
    pairs = left_join_all(scores, [*totals, named(rows.view(), "then"), named(now, "now")])
    return pairs.mutate(change=pairs["score_now"] - pairs["score_then"])


def _total(rows: ibis.Table, cause: Cause) -> ibis.Table:
    return rows.select("customer_id", **{f"total_{cause}": bounded_total(rows)})


def _replaced(rows: ibis.Table, restated: ibis.Table) -> ibis.Table:
    """Return rows with those of some customers as they were made again; who has none then is left as he was."""
    columns = PUBLISHED.contract.columns
    again = restated.semi_join(rows.view(), "customer_id")
    return again.select(*columns).union(rows.view().anti_join(restated, "customer_id").select(*columns))


def _scored(rows: ibis.Table, policy: Policy) -> ibis.Table:
    """Return published rows with the scores that their facts come to by the rules in force."""
    facts = rows.select("customer_id", "as_of", "policy_hash", "code_version", *SCORED_FACTS)
    facts = facts.mutate(engagement_score=customer_health.engaged(facts, policy))
    return customer_health.scored(facts, policy, facts["as_of"]).select(*PUBLISHED.contract.columns)


def _returned(now: ibis.Table, before: ibis.Table, earlier: ibis.Table) -> ibis.Table:
    """Return the change of who had no score on the last published day, but one on an earlier day."""
    scored = earlier.filter(earlier["health_score"].notnull())
    last = scored.group_by("customer_id").agg(score_then=scored["health_score"].argmax(scored["as_of"]))
    last = last.anti_join(before.filter(before["health_score"].notnull()), "customer_id")
    back = now.select("customer_id", "health_score").join(last, "customer_id")
    change = (back["health_score"] - back["score_then"]).cast(POINTS)
    back = back.select(
        "customer_id", cause=ibis.literal(CUSTOMER), component=ibis.literal(""), fact=ibis.literal(WITHOUT_SCORE),
        points=change,
    )  # fmt: skip
    return back.filter(back["points"] != 0)


def _sums(now: ibis.Table, today: ibis.Table, earlier_changes: ibis.Table, day: Day) -> ibis.Table:
    """Return each part of today, and its sum over the days of each span."""
    ago = as_scalar(day).epoch_days() - earlier_changes["as_of"].epoch_days()
    days = earlier_changes.select(*KEY, "points", ago=ago)
    days = days.filter((days["points"] != 0) & (days["ago"] < LONGEST)).semi_join(now, "customer_id")
    every = today.select(*KEY, "points", ago=ibis.literal(0, "int64")).union(days.select(*KEY, "points", "ago"))
    spans = {"points": 1, **{name: days for days, name in SPANS.items()}}
    nothing = ibis.literal(0).cast(POINTS)
    return every.group_by(KEY).agg(
        **{
            name: ibis.ifelse(every["ago"] < days, every["points"], nothing).sum().cast(POINTS)
            for name, days in spans.items()
        }
    )


def _adding_up(now: ibis.Table, sums: ibis.Table, then: Mapping[int, ibis.Table]) -> ibis.Table:
    """Return the sums with what is missing of a change, if a day between was not split; null where no score was."""
    totals = sums.view()
    totals = totals.group_by("customer_id").agg(**{f"sum_{days}d": totals[name].sum() for days, name in SPANS.items()})
    scores = [rows.select("customer_id", **{f"score_{days}d": "health_score"}) for days, rows in then.items()]
    changes = left_join_all(now.select("customer_id", "health_score"), [*scores, totals])
    changes = changes.select(
        "customer_id",
        **{f"change_{days}d": changes["health_score"] - changes[f"score_{days}d"] for days in AGO},
        **{f"sum_{days}d": changes[f"sum_{days}d"].fill_null(0) for days in AGO},
    )
    without_parts = changes.view()
    missing = without_parts.select(
        "customer_id", cause=ibis.literal(UNKNOWN), component=ibis.literal(""), fact=ibis.literal(""),
        points=ibis.literal(0).cast(POINTS),
        **{
            name: (without_parts[f"change_{days}d"].cast(POINTS) - without_parts[f"sum_{days}d"]).cast(POINTS)
            for days, name in SPANS.items()
        },
    )  # fmt: skip
    had = changes.view()
    had = had.select("customer_id", **{f"had_{days}d": had[f"change_{days}d"].notnull() for days in AGO})
    every = sums.view().select(*missing.columns).union(missing).join(had, "customer_id")
    every = every.mutate(
        **{name: ibis.ifelse(every[f"had_{days}d"], every[name], None) for days, name in SPANS.items()}
    )
    moved = [every[name].fill_null(0) != 0 for name in ("points", *SPANS.values())]
    return every.filter(moved[0] | moved[1] | moved[2] | moved[3])


def _with_facts(parts: ibis.Table, now: ibis.Table, then: Mapping[int, ibis.Table]) -> ibis.Table:
    """Return the parts with the facts of each day in words."""
    days = {"after": now, **{f"before_{days}d": rows for days, rows in then.items()}}
    facts = [
        rows.select("customer_id", **{f"{when}_{name}": rows[name] for name in SHOWN}) for when, rows in days.items()
    ]
    parts = left_join_all(parts, facts)
    return parts.mutate(
        **{
            when: ibis.cases(*[(parts["fact"] == name, _text(parts[f"{when}_{name}"])) for name in SHOWN])
            for when in days
        }
    )


def _text(value: ibis.Value) -> ibis.ir.StringValue:
    """Return a value as text, the same on every engine: of a moment its day, of a number at most four decimals."""
    if value.type().is_timestamp():
        value = value.date()
    elif value.type().is_floating():
        value = value.round(4).cast("decimal(18, 4)")
    return value.cast("string")


TABLE = DailyTable(
    "health/score_changes",
    CONTRACT,
    inputs={
        "now": PUBLISHED.key,
        "before": PreviousDay(PUBLISHED.key),
        "one_day_ago": DaysAgo(PUBLISHED.key, 1),
        "seven_days_ago": DaysAgo(PUBLISHED.key, 7),
        "thirty_days_ago": DaysAgo(PUBLISHED.key, 30),
        "earlier": EarlierDays(PUBLISHED.key, LONGEST),
        "earlier_changes": EarlierDays("health/score_changes", LONGEST),
        "restated": Prepared(restated_scores, files_of_scores),
        "policy": current_policy,
    },
    rule=table,
)
