"""What is suspicious about the customers of a day."""

import ibis

from gtm_platform.lake.daily_table import DaysAgo
from gtm_platform.lake.day_check import DayCheck
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy


def fallen_count(profile: ibis.Table, before: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return the customer counts of the day and the day before where policy does not allow the drop."""
    now = profile.aggregate(customers=profile["is_customer"].sum().fill_null(0))
    then = before.aggregate(customers_before=before["is_customer"].sum().fill_null(0))
    counts = now.cross_join(then)
    least = counts["customers_before"] * (number(1) - number(policy.quality.max_customer_drop))
    fell = counts.filter(counts["customers"] < least)
    return fell.select("customers", "customers_before", day_of=as_scalar(day).cast("string"))


CHECKS = (
    DayCheck(
        "core/profile",
        "customer_count",
        "The number of current customers did not fall by more than the policy's share (quality.max_customer_drop).",
        inputs={"profile": "core/profile", "before": DaysAgo("core/profile", 1), "policy": current_policy},
        rule=fallen_count,
        severity="WARN",
    ),
)
