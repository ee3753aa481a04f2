"""How large a difference an experiment would find, before it starts: by what customers did in the past."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import erf, sqrt
from typing import Any

from gtm_platform.health.customer_health import NOT_AT_RISK
from gtm_platform.intelligence.effect.confidence import half_width
from gtm_platform.intelligence.effect.effect import LEAST, TUNED_FOR
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import text
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Effect

CUSTOMERS = "core/unified_customers"
REDUCTIONS = (0.1, 0.2, 0.3, 0.5)  # of churn, as shares of what it is without
MONTH = 30
WELL_FOUND = 0.8  # the power that is usually asked for


class TooShort(LookupError):
    """The lake does not reach back far enough to foretell; the message says how far it does."""


@dataclass(frozen=True)
class Past:
    """How many customers would count, and how they did: out of the lake, or said by a person."""

    now: float  # at the start
    a_month: float  # who come later
    churn: float  # of them, over the days of the outcome
    days: int = 0  # looked at; 0 where a person said it


@dataclass(frozen=True)
class Plan:
    """An experiment after some months: its outcomes, and the chance to find each reduction."""

    months: int
    outcomes: int
    powers: Sequence[float]  # in the order of REDUCTIONS


def plans(past: Past, terms: Effect, months: Sequence[int]) -> Iterator[Plan]:
    """Yield what an experiment would find after each number of months."""
    for month in months:
        entered = past.now + past.a_month * max(month - terms.outcome_days / MONTH, 0)
        is_over = month * MONTH >= terms.outcome_days
        outcomes = int(min(entered, terms.sample_size or entered)) if is_over else 0
        yield Plan(month, outcomes, [power(cut * past.churn, past.churn, outcomes, terms) for cut in REDUCTIONS])


def power(difference: float, churn: float, outcomes: int, terms: Effect) -> float:
    """Return the chance that the interval excludes no difference at the last of so many outcomes.

    It is the least chance: an interval that holds at every look may have excluded it at an earlier one. What is known
    of customers at entry is left out, too; it makes intervals narrower.
    """
    if outcomes * min(terms.share, 1 - terms.share) < LEAST or not churn:
        return 0.0
    spread = deviation(churn, churn - difference, terms.share)
    width = half_width(outcomes, terms.confidence, terms.sample_size or TUNED_FOR)
    return _below((difference / spread - width) * sqrt(outcomes))


def deviation(withheld: float, treated: float, share: float) -> float:
    """Return the deviation of a customer's difference, by the churn of either group."""
    return sqrt(withheld * (1 - withheld) / share + treated * (1 - treated) / (1 - share))


def outcomes_needed(difference: float, churn: float, terms: Effect, most: int = 1_000_000) -> int | None:
    """Return how many outcomes find a difference four times of five; None for more than `most`."""
    low, high = 1, most
    if power(difference, churn, most, terms) < WELL_FOUND:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power(difference, churn, middle, terms) >= WELL_FOUND else (middle + 1, high)
    return low


def past_of(lake: Lake, terms: Effect) -> Past:
    """Return how many customers would have counted, by the days that the lake has."""
    days = lake.partitions(CUSTOMERS)
    if not days:
        raise TooShort(f"{CUSTOMERS} has no day yet. Say it with --customers, --a-month and --churn.")
    newest = date.fromisoformat(days[-1])
    begin = _nearest(days, newest - timedelta(days=terms.outcome_days), newest)
    month_ago = _nearest(days, newest - timedelta(days=MONTH), newest)
    at_begin, at_end = (lake.query_day(CUSTOMERS, day).sql for day in (begin, days[-1]))
    files = [file for file in lake.files(CUSTOMERS) if month_ago < file.partition]
    since, before = lake.file_query(CUSTOMERS, files).sql, lake.query_day(CUSTOMERS, month_ago).sql
    counts = _qualifies(terms)
    with cursor() as connection:
        row: Any = connection.execute(f"""
            select (select count(*) from ({at_end}) where {counts}),
                (select count(distinct customer_id) from ({since}) where {counts} and customer_id not in (
                    select customer_id from ({before}) where {counts})),
                (select avg((coalesce(e.is_customer, false) and coalesce(e.mrr, e.mrr_reporting, 0) > 0)::int)
                    from (from ({at_begin}) where {counts}) as b left join ({at_end}) as e using (customer_id))
        """).fetchone()
    if row[2] is None:
        raise TooShort(
            f"Nobody would have counted on {begin}. Say it yourself with --customers, --a-month and --churn."
        )
    return Past(row[0], row[1], 1 - row[2], (newest - date.fromisoformat(begin)).days)


def _qualifies(terms: Effect) -> str:
    pays = "is_customer and mrr_reporting > 0"
    if terms.enters == "paying":
        return pays
    return f"{pays} and health_status not in ({', '.join(map(text, NOT_AT_RISK))})"


def _nearest(days: Sequence[str], wanted: date, newest: date) -> str:
    """Return the last day up to the wanted one; a past that is too short is no past."""
    earlier = [day for day in days if day <= str(wanted)]
    if not earlier:
        raise TooShort(
            f"The lake begins on {days[0]}, less than {(newest - wanted).days} days before {newest}. Say yourself what "
            "to expect, with --customers, --a-month and --churn."
        )
    return earlier[-1]


def _below(z: float) -> float:
    return (1 + erf(z / sqrt(2))) / 2
