"""`intelligence/pipeline_forecast`: what will be won within some days, beside naive."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from gtm_platform.intelligence.forecasts.backtest import Floats, Rules
from gtm_platform.intelligence.forecasts.pipeline import OPEN, Deals, PipelineForecast, forecast_pipeline
from gtm_platform.intelligence.forecasts.stages import Sighting, stage_multipliers
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, EarlierDays
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

ALL = "all"
OF_DEALS = ("deal_id", "deal_group", "stage", "created_on", "closed_on", "is_won", "amount")
STAGE_DAYS, STAGE_EVERY = 180, 15  # earlier days that are looked back on, and every how many

CONTRACT = Contract(
    {
        "days": Column("int64", "Within so many days after the day.", nullable=False),
        "deal_group": Column("string", "all, or the group of deals that is open.", nullable=False),
        "until": Column("date", "The last of these days.", nullable=False),
        "open_deals": Column("int64", "Deals that are open.", nullable=False),
        "of_open": Column("int64", "What of them will be won, by their ages and stages; minor units.", nullable=False),
        "to_come": Column("int64", "What of deals to come will be won; of all."),
        "value": Column("int64", "What is delivered: the best forecast so far; of all."),
        "low": Column("int64", "Lower end of the interval; null where past forecasts are too few."),
        "high": Column("int64", "Upper end of it."),
        "naive": Column("int64", "What was won in as many days before the day; of all."),
        "method": Column("string", "What is delivered: naive, age of deals, or mean of both; of all."),
        "verdict": Column("string", "Why, in a sentence; of all."),
        "error": Column("float64", "Mean error that the delivered method had on past days, in logarithms."),
        "naive_error": Column("float64", "That of the naive forecast."),
        "coverage": Column("float64", "Share of what came that past intervals held."),
        "past_forecasts": Column("int64", "Past days that errors are of."),
        "uses_stages": Column("boolean", "Stages change the chances of open deals; of all."),
    },
    key=("days", "deal_group"),
    about="What will be won, by how deals of each age, group and stage were won and lost before; amounts in minor "
    "units of the reporting currency.",
    figures={
        "value": lambda t: t["value"].max(),
        "naive": lambda t: t["naive"].max(),
        "error": lambda t: t["error"].mean(),
        "naive_error": lambda t: t["naive_error"].mean(),
    },
)


def table(deals: ibis.Table, earlier: ibis.Table, policy: Policy, day: date) -> pa.Table:
    """Return a row per horizon, and of each a row per group with open deals; none without deals."""
    rows = _read(deals.mutate(amount=deals["amount"].fill_null(0)), OF_DEALS)
    days = ibis.literal(day).epoch_days() - earlier["as_of"].epoch_days()
    seen = earlier.filter(earlier["closed_on"].isnull() & (days % STAGE_EVERY == 0))
    stages = _read(seen, ("as_of", "deal_id", "stage"))
    lines = list(_lines(rows, stages, policy, day)) if rows else []
    return pa.Table.from_pylist(lines, schema=CONTRACT.schema.to_pyarrow())


def _read(deals: ibis.Table, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    rows = engine().to_pyarrow(deals.select(*columns).order_by(*columns[:2])).to_pylist()
    return [tuple(row.values()) for row in rows]


def deals_of(rows: Sequence[tuple[Any, ...]], epoch: date) -> Deals:
    """Return deals as arrays, their days counted from another."""
    names = sorted({row[1] for row in rows})
    place_of = {name: place for place, name in enumerate(names)}
    return Deals(
        np.array([(row[3] - epoch).days for row in rows], np.int64),
        np.array([(row[4] - epoch).days if row[4] else OPEN for row in rows], np.int64),
        np.array([bool(row[5]) for row in rows]),
        np.array([float(row[6]) for row in rows]),
        np.array([place_of[row[1]] for row in rows], np.int64),
        names,
    )


def _lines(
    rows: Sequence[tuple[Any, ...]], stages: Sequence[tuple[Any, ...]], policy: Policy, day: date
) -> Iterator[dict[str, Any]]:
    epoch = min(row[3] for row in rows)
    deals, now = deals_of(rows, epoch), (day - epoch).days
    sightings = _sightings(rows, stages, epoch)
    rules = policy.revenue.forecasts
    tried = Rules(rules.least_past_forecasts, rules.better_by, rules.interval)
    for days in sorted(set(rules.pipeline_days)):
        multipliers = stage_multipliers(deals, sightings, now, days)
        of_deals: Floats | None = (
            np.array([multipliers.get(row[2] or "", 1.0) for row in rows]) if multipliers else None
        )
        result = forecast_pipeline(deals, now, days, tried, of_deals)
        yield from _of_horizon(result, deals, day, uses_stages=bool(multipliers))


def _sightings(rows: Sequence[tuple[Any, ...]], stages: Sequence[tuple[Any, ...]], epoch: date) -> list[Sighting]:
    places = {row[0]: place for place, row in enumerate(rows)}
    by_day: dict[int, list[tuple[int, str]]] = {}
    for as_of, deal_id, stage in stages:
        if deal_id in places:
            by_day.setdefault((as_of - epoch).days, []).append((places[deal_id], stage or ""))
    return [Sighting(day, [place for place, _ in seen], [stage for _, stage in seen]) for day, seen in by_day.items()]


def _of_horizon(result: PipelineForecast, deals: Deals, day: date, *, uses_stages: bool) -> Iterator[dict[str, Any]]:
    common = {"days": result.days, "until": day + timedelta(days=result.days)}
    expected, chosen = result.outlook, result.chosen
    figures: Mapping[str, float | None] = {
        "error": chosen.errors[chosen.method],
        "naive_error": chosen.errors["naive"],
        "coverage": result.delivered.coverage,
    }
    yield {
        **common,
        "deal_group": ALL,
        "open_deals": expected.open_deals,
        "of_open": round(expected.of_open),
        "to_come": round(expected.to_come),
        "value": round(result.value),
        "low": None if result.low is None else round(result.low),
        "high": None if result.high is None else round(result.high),
        "naive": round(result.naive),
        "method": chosen.method,
        "verdict": chosen.sentence,
        **{name: None if value is None or np.isnan(value) else value for name, value in figures.items()},
        "past_forecasts": chosen.past,
        "uses_stages": uses_stages,
    }
    counts = np.bincount(deals.group[deals.closed == OPEN], minlength=len(deals.names))
    for name, count in zip(deals.names, counts.tolist(), strict=True):
        if count:
            yield {**common, "deal_group": name, "open_deals": count, "of_open": round(expected.by_group[name])}


TABLE = DailyTable(
    "intelligence/pipeline_forecast",
    CONTRACT,
    inputs={
        "deals": "intelligence/pipeline_deals",
        "earlier": EarlierDays("intelligence/pipeline_deals", STAGE_DAYS),
        "policy": current_policy,
    },
    rule=table,
    eager=True,
)
