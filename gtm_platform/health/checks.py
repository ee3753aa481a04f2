"""What has to hold between the current customers and their health."""

import ibis

from gtm_platform.health.customer_health import AGO
from gtm_platform.health.published_scores import TABLE as PUBLISHED
from gtm_platform.health.score_change_columns import POINTS, SPANS
from gtm_platform.health.score_changes import TABLE as CHANGES
from gtm_platform.lake.day_check import DayCheck
from gtm_platform.lake.expressions.joins import left_join_all


def customers_without_health(profile: ibis.Table, health: ibis.Table) -> ibis.Table:
    """Return current customers without health, and health rows of anybody else.

    Duplicates are the contract's concern.
    """
    current = profile.filter(profile["is_customer"]).select("customer_id")
    judged = health.select("customer_id")
    return ibis.union(
        current.anti_join(judged, "customer_id").mutate(wrong=ibis.literal("a current customer without health")),
        judged.anti_join(current, "customer_id").mutate(wrong=ibis.literal("health of who is no current customer")),
    )


def changes_that_do_not_add_up(
    now: ibis.Table,
    one_day_ago: ibis.Table,
    seven_days_ago: ibis.Table,
    thirty_days_ago: ibis.Table,
    changes: ibis.Table,
) -> ibis.Table:
    """Return each change of a score whose parts come to something else."""
    sums = changes.group_by("customer_id").agg(
        **{f"parts_{days}d": changes[name].sum() for days, name in SPANS.items()}
    )
    before = dict(zip(AGO, (one_day_ago, seven_days_ago, thirty_days_ago), strict=True))
    scores = [rows.select("customer_id", **{f"score_{days}d": "health_score"}) for days, rows in before.items()]
    both = left_join_all(now.select("customer_id", "health_score"), [*scores, sums])
    spans = [
        both.select(
            "customer_id",
            days=ibis.literal(days, "int64"),
            change=(both["health_score"] - both[f"score_{days}d"]).cast(POINTS),
            parts=both[f"parts_{days}d"].fill_null(0),
        )
        for days in AGO
    ]
    every = ibis.union(*spans)
    return every.filter(every["parts"] != every["change"])


CHECKS = (
    DayCheck(
        "health/customer_health",
        "every_current_customer_once",
        "Every current customer has exactly one row, and nobody else has.",
        inputs={"profile": "core/profile", "health": "health/customer_health"},
        rule=customers_without_health,
    ),
    DayCheck(
        CHANGES.key,
        "parts_add_up",
        "The parts of each change of a score since yesterday, 7 and 30 days ago add up to it.",
        inputs={
            "now": PUBLISHED.key,
            **{name: CHANGES.inputs[name] for name in ("one_day_ago", "seven_days_ago", "thirty_days_ago")},
            "changes": CHANGES.key,
        },
        rule=changes_that_do_not_add_up,
    ),
)
