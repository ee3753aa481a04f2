"""A monthly model as a value: what it foretells of whom, what it learns of, and how it is known what came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy

OUTCOME, HAPPENED_ON = "outcome", "happened_on"


class NothingToLearn(LookupError):
    """The lake does not reach back far enough for a model; the message says how far it does."""


@dataclass(frozen=True)
class MonthlyModel:
    """A model that is trained each month on days whose outcome is known, and tested on a later one.

    `outcomes` returns [subject, day, outcome, happened_on, …columns] of who is in scope on some days, from what came
    within the horizon after the latest of them.
    """

    name: str  # of asset, job and schedule, and before its metrics
    title: str
    about: str  # what is foretold, to be read after "of"
    subject: str  # the column that names whom it is about
    subjects: str  # what they are called
    event: str  # what they did if it happened
    features: DailyTable
    columns: tuple[str, ...]
    horizon: Callable[[Policy], int]
    outcomes: Callable[[Lake, Sequence[date], Policy], pa.Table]
    learns_of: tuple[str, ...]  # the tables by which it is known what came
    minute: int  # of the hour in which the schedule asks for it
    group: str = "intelligence"  # of the graph

    @property
    def registry(self) -> str:
        """The table with a row for each month's model."""
        return f"intelligence/{self.name}"

    def within(self, policy: Policy) -> timedelta:
        """Return the time within which the event counts."""
        return timedelta(days=self.horizon(policy))


def days_to_learn(model: MonthlyModel, lake: Lake, month: date, policy: Policy) -> list[date]:
    """Return the day that a month's model is tested on, and those that it is trained on before.

    The test is on the month's first day that has features. What happened within the horizon of a training day was over
    by then.
    """
    rules, horizon = policy.intelligence, model.within(policy)
    made = [date.fromisoformat(day) for day in lake.partitions(model.features.key)]
    of_month = [day for day in made if (day.year, day.month) == (month.year, month.month)]
    if not of_month:
        raise NothingToLearn(f"There are no features of {month:%B %Y}; see {model.features.key}.")
    days = [of_month[0]]
    latest = of_month[0] - horizon
    earliest = of_month[0] - timedelta(days=rules.train_back_days)
    for day in reversed(made):
        if earliest <= day <= latest:
            days.append(day)
            latest = day - timedelta(days=rules.train_days_apart)
    if len(days) == 1:
        raise NothingToLearn(f"Features begin on {made[0]}: none is {horizon.days} days older than {of_month[0]}.")
    return days


def require_over(lake: Lake, table: str, days: Sequence[date], horizon: timedelta) -> date:
    """Return the last day of the horizon of some days; raise unless a table reaches it."""
    until = max(days) + horizon
    reached = max(lake.partitions(table), default="")
    if reached < str(until):
        raise NothingToLearn(
            f"The {horizon.days} days after {max(days)} are not over: the lake ends on {reached or 'no day'}."
        )
    return until
