"""How the quality of a customer's data is weighed, and when a source or a figure is suspicious."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Count, Days, Hours, Points, Rules, Share

Deviation = Annotated[float, Field(gt=0)]
Weeks = Annotated[int, Field(ge=28, le=84, multiple_of=7)]


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
    # Why two systems may differ on what a customer pays without a warning, in the words of quality/mrr_differences.
    accepted_mrr_differences: tuple[str, ...] = (
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
    )
