"""What counts as activity of people of ours with customers, and before which outcomes it is looked at."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Count, Days, Rules


class ActivityRules(Rules):
    """How activity is compared with outcomes."""

    outcome_days: Days = 365
    before_days: Days = 60
    interval: Annotated[float, Field(gt=0, lt=1)] = 0.95
    least_outcomes: Count = 30
    quick_hours: Annotated[float, Field(gt=0)] = 4.0
