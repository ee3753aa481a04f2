"""How the quality of a customer's data is weighed, and when a source or a figure is suspicious."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from gtm_platform.policy.rules import Count, Days, Hours, Points, Rules, Share

Deviation = Annotated[float, Field(gt=0)]
Weeks = Annotated[int, Field(ge=28, le=84, multiple_of=7)]

# Why two systems differ on what a customer pays; a difference has the first cause that applies.
MrrCause = Literal[
    "missing customer",
    "cancelled at period end",
    "paused",
    "trial",
    "currency",
    "discount",
    "one price",
    "one item",
    "billing period",
    "old copy",
    "delay",
    "tax",
    "several systems",
    "unexplained",
]
MRR_CAUSES: tuple[MrrCause, ...] = get_args(MrrCause)
ALARMING_CAUSES = ("missing customer", "unexplained")  # as long as a policy does not say otherwise


class Anomalies(Rules):
    """When a daily figure is unlike those of the weeks before it."""

    baseline_days: Weeks = 56
    least_history_days: Weeks = 28
    count_deviation: Deviation = 4.0
    deviation: Deviation = 4.5
    least_change: Share = 0.1
    least_points: Annotated[float, Field(ge=0)] = 2.0
    least_records: Count = 10
    settling_days: Days = 7


class Quality(Rules):
    """Data quality."""

    completeness: Points
    freshness: Points
    match: Points
    validity: Points
    overdue_hours: Hours
    max_customer_drop: Share
    silent_days: Days = 3
    anomalies: Anomalies = Anomalies()
    accepted_mrr_differences: tuple[MrrCause, ...] = tuple(c for c in MRR_CAUSES if c not in ALARMING_CAUSES)
