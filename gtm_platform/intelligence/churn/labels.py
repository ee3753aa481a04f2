"""Who churned after a day, by the billing history: computed only where the 90 days after it are over.

What counts as a churn is what the back-test of health counts (`health.backtest_history`).
"""

from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa

from gtm_platform.health.backtest_history import HORIZON, history_of
from gtm_platform.intelligence.churn.features import FEATURES
from gtm_platform.intelligence.churn.features import TABLE as FEATURE_TABLE
from gtm_platform.lake.lake import Lake


class NothingToLearn(LookupError):
    """The lake does not reach back far enough for a model; the message says how far it does."""


def days_to_learn(lake: Lake, month: date, days_apart: int, back: int) -> list[date]:
    """Return the day that a month's model is tested on, and those that it is trained on before.

    The test is on the month's first day that has features. What happened within 90 days of a training day was over by
    then.
    """
    made = [date.fromisoformat(day) for day in lake.partitions(FEATURE_TABLE.key)]
    of_month = [day for day in made if (day.year, day.month) == (month.year, month.month)]
    if not of_month:
        raise NothingToLearn(f"There are no features of {month:%B %Y}; see {FEATURE_TABLE.key}.")
    days = [of_month[0]]
    latest = of_month[0] - timedelta(days=HORIZON)
    earliest = of_month[0] - timedelta(days=back)
    for day in reversed(made):
        if earliest <= day <= latest:
            days.append(day)
            latest = day - timedelta(days=days_apart)
    if len(days) == 1:
        raise NothingToLearn(f"Features begin on {made[0]}: none is {HORIZON} days older than {of_month[0]}.")
    return days


def labelled(lake: Lake, days: Sequence[date]) -> pa.Table:
    """Return [customer_id, day, churned, …features] of who is in scope on some days.

    Customers that were merged are one. Nothing is used that came after the horizon of the latest of the days.
    """
    until = max(days) + timedelta(days=HORIZON)
    reached = max(lake.partitions("core/revenue"), default="")
    if reached < str(until):
        raise NothingToLearn(
            f"The {HORIZON} days after {max(days)} are not over: the lake ends on {reached or 'no day'}."
        )
    with history_of(lake, until) as history:
        return history.outcomes(FEATURE_TABLE.key, FEATURES, days)
