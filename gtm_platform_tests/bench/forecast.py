"""Revenue and pipelines of made-up companies, forecast from all of their past, beside the naive forecast."""

from collections.abc import Iterator
from statistics import mean

import numpy as np

from gtm_platform.intelligence.forecasts.backtest import NAIVE, Rules
from gtm_platform.intelligence.forecasts.pipeline import HAZARDS, forecast_pipeline
from gtm_platform.intelligence.forecasts.series import SeriesForecast, forecast_series
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.intelligence.companies import company, pipeline, wandering

FIRST_SEED = 1000  # of companies that no test looks at
MONTHS, LAST_DAY = 6, 690


def measure(effort: Effort) -> Iterator[Row]:
    seeds = range(FIRST_SEED, FIRST_SEED + effort.of(200, 10))
    companies = [company(seed) for seed in seeds]
    forecasts = [forecast_series(each.mrr, MONTHS, Rules(), new=each.new) for each in companies]
    yield from _revenue(f"revenue of {len(seeds)} companies", forecasts)
    chance = [forecast_series(wandering(seed), MONTHS, Rules()) for seed in seeds]
    claimed = mean(each.chosen.method != NAIVE for each in chance)
    yield Row("series of chance alone, another than naive", "share", claimed, Target("≤", 0.1))
    for days in (30, 60, 90):
        of_days = [forecast_pipeline(pipeline(seed), LAST_DAY, days, Rules()) for seed in seeds[: effort.of(40, 4)]]
        what = f"pipeline of {len(of_days)} companies, {days} days"
        naive = mean(each.chosen.errors[NAIVE] for each in of_days)
        yield Row(f"{what}, by age", "error", mean(each.chosen.errors[HAZARDS] for each in of_days), None, NAIVE, naive)
        yield Row(f"{what}, delivered", "error", mean(each.delivered_error for each in of_days), None, NAIVE, naive)
        yield Row(f"{what}, held by 80 %", "share", mean(each.delivered.coverage or 0.0 for each in of_days))


def _revenue(what: str, forecasts: list[SeriesForecast]) -> Iterator[Row]:
    errors = np.mean([each.delivered_errors for each in forecasts], axis=0)
    naive = np.mean([each.errors[NAIVE] for each in forecasts], axis=0)
    for month in (1, 3, 6):
        yield Row(f"{what}, month {month}", "error", errors[month - 1], None, NAIVE, naive[month - 1])
    held = mean(each.delivered.coverage or 0.0 for each in forecasts)
    yield Row(f"{what}, held by 80 %", "share", held, Target("≥", 0.75))


FIGURE = Figure(
    "forecast",
    "Errs less than the naive forecast where something can be foreseen; 80 % intervals hold 75 to 85 %.",
    measure,
)
