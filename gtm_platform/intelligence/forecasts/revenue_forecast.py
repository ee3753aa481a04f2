"""`intelligence/revenue_forecast`: MRR at the end of each of the next months, beside naive."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from gtm_platform.intelligence.forecasts.backtest import Floats, Rules
from gtm_platform.intelligence.forecasts.series import LEAST_PAST, SeriesForecast, forecast_series
from gtm_platform.intelligence.movements.retention_cohorts import OBSERVED
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

CONTRACT = Contract(
    {
        "month": Column("date", "First day of the month at whose end it will be so much.", nullable=False),
        "months_ahead": Column(
            "int64", "Months after the last one that is over.", nullable=False, rule=lambda v: v >= 1
        ),
        "value": Column("int64", "What is delivered: the best forecast so far; minor units.", nullable=False),
        "low": Column("int64", "Lower end of the interval; null where past forecasts are too few."),
        "high": Column("int64", "Upper end of it."),
        "naive": Column("int64", "MRR at the end of the last month that is over.", nullable=False),
        "method": Column("string", "What is delivered: naive, drift, theta or movement.", nullable=False),
        "verdict": Column("string", "Why, in a sentence.", nullable=False),
        "error": Column("float64", "Mean error that the delivered method had so far ahead, in logarithms."),
        "naive_error": Column("float64", "That of the naive forecast."),
        "coverage": Column("float64", "Share of what came that past intervals held."),
        "months": Column("int64", "Months that are over and were looked at.", nullable=False),
        "observed_months": Column(
            "int64", "Of them those that the platform saw; the others are reconstructed.", nullable=False
        ),
    },
    key=("month",),
    about="MRR of the months to come, from how it moved in those that are over; amounts in minor units of the "
    "reporting currency.",
    figures={
        "value": lambda t: t["value"].argmax(t["months_ahead"]),
        "naive": lambda t: t["naive"].max(),
        "error": lambda t: t["error"].mean(),
        "naive_error": lambda t: t["naive_error"].mean(),
    },
)


@dataclass(frozen=True)
class Months:
    """MRR at the end of each month that is over, without a gap, and what of it came in the month."""

    first: date
    mrr: Floats
    new: Floats
    observed: int


def table(cohorts: ibis.Table, policy: Policy, day: date) -> pa.Table:
    """Return a row per month to come; none before three months are over."""
    over = cohorts.filter(cohorts["month"] < day.replace(day=1)) if (day + timedelta(days=1)).day != 1 else cohorts
    months = over.group_by("month").agg(
        mrr=over["mrr"].sum(),
        new=over["mrr"].sum(where=over["cohort"] == over["month"]).fill_null(0),
        observed=(over["basis"] == OBSERVED).all(),
    )
    rows = [tuple(row.values()) for row in engine().to_pyarrow(months.order_by("month")).to_pylist()]
    lines = list(_lines(months_of(rows), policy)) if rows else []
    return pa.Table.from_pylist(lines, schema=CONTRACT.schema.to_pyarrow())


def months_of(rows: Sequence[tuple[Any, ...]]) -> Months:
    """Return months by [month, MRR, new MRR, whether observed]; in one left out nobody paid."""
    by_month = {(month.year * 12 + month.month): (mrr, new, observed) for month, mrr, new, observed in rows}
    span = range(min(by_month), max(by_month) + 1)
    filled = [by_month.get(place, (0, 0, True)) for place in span]
    return Months(
        rows[0][0],
        np.array([float(mrr) for mrr, _, _ in filled]),
        np.array([float(new) for _, new, _ in filled]),
        sum(observed for _, _, observed in filled),
    )


def forecast_months(months: Months, policy: Policy) -> SeriesForecast:
    """Forecast the months to come by the policy's rules."""
    rules = policy.revenue.forecasts
    tried = Rules(rules.least_past_forecasts, rules.better_by, rules.interval)
    return forecast_series(months.mrr, rules.months, tried, new=months.new, months=rules.past_months)


def _lines(months: Months, policy: Policy) -> Iterator[dict[str, Any]]:
    if len(months.mrr) < LEAST_PAST:
        return
    result = forecast_months(months, policy)
    last = months.first.year * 12 + months.first.month - 1 + len(months.mrr) - 1
    for step in result.steps:
        place = step.number - 1
        yield {
            "month": date((last + step.number) // 12, (last + step.number) % 12 + 1, 1),
            "months_ahead": step.number,
            "value": max(round(step.value), 0),
            "low": None if step.low is None else max(round(step.low), 0),
            "high": None if step.high is None else round(step.high),
            "naive": round(step.naive),
            "method": result.chosen.method,
            "verdict": _verdict(result, months),
            "error": _known(result.errors[result.chosen.method][place]),
            "naive_error": _known(result.errors["naive"][place]),
            "coverage": result.delivered.coverage,
            "months": len(months.mrr),
            "observed_months": months.observed,
        }


def _verdict(result: SeriesForecast, months: Months) -> str:
    """Say why the method is delivered, and what of the past is no observation."""
    reconstructed = len(months.mrr) - months.observed
    if not reconstructed:
        return result.chosen.sentence
    return f"{result.chosen.sentence} Of {len(months.mrr)} months {reconstructed} are reconstructed, not observed."


def _known(error: float) -> float | None:
    return None if np.isnan(error) else error


TABLE = DailyTable(
    "intelligence/revenue_forecast",
    CONTRACT,
    inputs={"cohorts": "intelligence/retention_cohorts", "policy": current_policy},
    rule=table,
    eager=True,
)
