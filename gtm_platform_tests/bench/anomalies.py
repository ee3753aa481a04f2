"""Anomalies found in made-up years of daily metrics, and false alarms, beside three standard deviations of 56 days."""

from collections.abc import Callable, Iterator
from statistics import mean

import numpy as np

from gtm_platform.policy import Anomalies
from gtm_platform.quality.baseline import Flags, Judgement, Series, judge
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.quality.metric_years import DAYS, HISTORY, MetricYear, metric_year

FIRST_SEED = 1000  # of years that no test looks at
MONTHS = 12


def measure(effort: Effort) -> Iterator[Row]:
    years = [metric_year(FIRST_SEED + number) for number in range(effort.of(60, 6))]
    ours = _outcomes(years, lambda series: judge(series, Anomalies()))
    plain = _outcomes(years, lambda series: _judgement(series, _three_deviations(series)))
    what = f"{len(years)} years of 12 metrics"
    yield Row(f"found of 20, {what}", "mean", mean(ours[0]), None, "3 deviations", mean(plain[0]))
    yield Row("found of 20, worst year", "anomalies", min(ours[0]), Target("≥", 18))
    yield Row(f"false alarms a month, {what}", "mean", mean(ours[1]), None, "3 deviations", mean(plain[1]))
    yield Row("false alarms a month, worst year", "alarms", max(ours[1]), Target("≤", 1))


def _outcomes(years: list[MetricYear], judged_by: Callable[[Series], Judgement]) -> tuple[list[float], list[float]]:
    found, false = [], []
    for year in years:
        judged = judged_by(year.series)
        found.append(float(len(year.caught(judged))))
        false.append(len(year.false_alarms(judged)) / MONTHS)
    return found, false


def _three_deviations(series: Series) -> Flags:
    odd = np.zeros(series.values.shape, dtype=bool)
    for day in range(HISTORY, DAYS):
        before = series.values[:, day - HISTORY : day]
        off = np.abs(series.values[:, day] - np.nanmean(before, axis=1))
        odd[:, day] = off > 3 * np.nanstd(before, axis=1)
    return odd


def _judgement(series: Series, odd: Flags) -> Judgement:
    judged = Judgement.of_nothing(series.values.shape, series.values)
    judged.odd = odd
    return judged


FIGURE = Figure(
    "anomalies",
    "Finds at least 18 of 20 anomalies planted in a year of daily metrics, at no more than a false alarm a month.",
    measure,
)
