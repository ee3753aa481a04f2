"""Weeks, months and quarters: which days they have, what they are called, and as partitions."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

from gtm_platform.orchestration.graph_policy import FIRST_DAY


@dataclass(frozen=True)
class Period:
    """The days of a week, month or quarter; `key` is its first day, as of its partition."""

    first: date
    last: date
    label: str

    @property
    def key(self) -> str:
        """The key of the partition."""
        return self.first.isoformat()

    @property
    def day_before(self) -> str:
        """The last day of the period before."""
        return (self.first - timedelta(days=1)).isoformat()


@dataclass(frozen=True)
class Cadence:
    """How often a report comes.

    `first` returns the first day of the period that a day is in, `label` the name of a period.
    """

    name: str
    boundary: str  # cron: when periods begin
    schedule: str  # cron: when the report of the period that ended is made
    first: Callable[[date], date]
    label: Callable[[date, date], str]
    form: str  # how a person names a period
    days: int  # of the longest period

    def containing(self, day: date) -> Period:
        """Return the period that a day is in."""
        first = self.first(day)
        last = self.first(first + timedelta(days=100 if self.name == "quarter" else 32))
        if self.name == "week":
            last = first + timedelta(days=7)
        last -= timedelta(days=1)
        return Period(first, last, self.label(first, last))

    def named(self, text: str) -> Period:
        """Return the period that a person names: by its usual name, or by any day in it."""
        try:
            return self.containing(_day_in(text))
        except ValueError:
            raise ValueError(f"{text!r} is no {self.name}: write {self.form}, or a day in it.") from None

    @property
    def partitions(self) -> dg.TimeWindowPartitionsDefinition:
        """Every period since the first day, the present one included."""
        return dg.TimeWindowPartitionsDefinition(
            start=self.first(FIRST_DAY).isoformat(), fmt="%Y-%m-%d", cron_schedule=self.boundary, end_offset=1
        )


def _day_in(text: str) -> date:
    if match := re.fullmatch(r"(\d{4})-W(\d{1,2})", text, re.IGNORECASE):
        return date.fromisocalendar(int(match[1]), int(match[2]), 1)
    if match := re.fullmatch(r"(\d{4})-?Q([1-4])", text, re.IGNORECASE):
        return date(int(match[1]), 3 * int(match[2]) - 2, 1)
    if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
        return date(int(match[1]), int(match[2]), 1)
    return date.fromisoformat(text)


def _span(first: date, last: date) -> str:
    begin = f"{first:%-d}" if first.month == last.month else f"{first:%-d %B}"
    return f"Week of {begin} to {last:%-d %B %Y}"


WEEK = Cadence(
    "week", "0 0 * * 1", "0 7 * * 1", lambda day: day - timedelta(days=day.weekday()), _span, "such as 2026-W48", 7
)
MONTH = Cadence(
    "month",
    "0 0 1 * *",
    "15 7 1 * *",
    lambda day: day.replace(day=1),
    lambda first, _: f"{first:%B %Y}",
    "such as 2026-11",
    31,
)
QUARTER = Cadence(
    "quarter",
    "0 0 1 1,4,7,10 *",
    "30 7 1 1,4,7,10 *",
    lambda day: date(day.year, 3 * ((day.month - 1) // 3) + 1, 1),
    lambda first, _: f"Quarter {(first.month + 2) // 3} of {first.year}",
    "such as 2026-Q4",
    92,
)
