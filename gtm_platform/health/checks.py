"""What has to hold between the current customers and their health."""

import ibis

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


CHECKS = (
    DayCheck(
        "health/customer_health",
        "every_current_customer_once",
        "Every current customer has exactly one row, and nobody else has.",
        inputs={"profile": "core/profile", "health": "health/customer_health"},
        rule=customers_without_health,
    ),
)
