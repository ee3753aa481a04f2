"""What has to hold between the current customers and their health."""

import ibis

from gtm_platform.health.customer_health import AGO
from gtm_platform.health.score_changes import POINTS
from gtm_platform.lake.day_check import DayCheck


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


def changes_that_do_not_add_up(health: ibis.Table, changes: ibis.Table) -> ibis.Table:
    """Return each change of a score whose parts come to something else."""
    parts = changes.group_by("customer_id", "days").agg(parts=changes["points"].sum())
    stated = ibis.union(
        *[
            health.select("customer_id", days=ibis.literal(days, "int64"), change=health[column].fill_null(0))
            for days, column in AGO.items()
        ]
    )
    both = stated.left_join(parts, ["customer_id", "days"])
    both = both.select("customer_id", "days", "change", parts=both["parts"].fill_null(0))
    return both.filter(both["parts"] != both["change"].cast(POINTS))


CHECKS = (
    DayCheck(
        "health/customer_health",
        "every_current_customer_once",
        "Every current customer has exactly one row, and nobody else has.",
        inputs={"profile": "core/profile", "health": "health/customer_health"},
        rule=customers_without_health,
    ),
    DayCheck(
        "health/score_changes",
        "parts_add_up",
        "The parts of each change of a score add up to it. Where not, an earlier day was made again since: make health "
        "of this day again.",
        inputs={"health": "health/customer_health", "changes": "health/score_changes"},
        rule=changes_that_do_not_add_up,
        severity="WARN",
    ),
)
