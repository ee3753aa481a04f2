"""A company's daily metrics for a year, made up: what they are usually like, and anomalies planted among them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gtm_platform.quality.baseline import Floats, Judgement, Series

HISTORY, YEAR = 56, 365
DAYS = HISTORY + YEAR
KINDS = {"spike": 4, "drop": 4, "level shift": 3, "missing day": 3, "null-rate creep": 3, "weekday break": 3}
APART = 75  # days between two anomalies of a metric
CREEP, BREAK, REPAIRED = 28, 28, 21  # days that they last, and that their end may still be noticed in
# Days within which each has to be found: a creep, before it has come to its end.
IN_TIME = {"spike": 0, "drop": 0, "missing day": 0, "level shift": 3, "null-rate creep": CREEP - 1, "weekday break": 7}


@dataclass(frozen=True)
class Planted:
    """An anomaly: of which metric, and the days that it may be noticed on without a false alarm."""

    kind: str
    metric: int
    day: int
    until: int

    def was_found(self, judged: Judgement) -> bool:
        return bool(judged.odd[self.metric, self.day : self.day + IN_TIME[self.kind] + 1].any())


@dataclass(frozen=True)
class MetricYear:
    """The metrics, a row each, what their noise is, and what was planted."""

    series: Series
    planted: list[Planted]

    def caught(self, judged: Judgement) -> list[Planted]:
        return [each for each in self.planted if each.was_found(judged)]

    def false_alarms(self, judged: Judgement) -> list[tuple[int, int]]:
        """The metrics and days on which something began to be odd though nothing was planted."""
        return [
            (int(metric), day)
            for day in range(HISTORY, DAYS)
            for metric in np.flatnonzero(judged.first_days(day) == day)
            if not any(each.metric == metric and each.day <= day <= each.until for each in self.planted)
        ]


@dataclass(frozen=True)
class _Metric:
    values: Floats
    noise: Floats  # of each day, as a share of it
    kind: str  # count, amount, share or score
    base: float = np.nan
    weekly: bool = False  # has quiet weekends


def metric_year(seed: int) -> MetricYear:
    """Twelve metrics, and twenty anomalies among them."""
    random = np.random.default_rng(seed)
    metrics = [*_changes(random), *_records(random), _revenue(random), _active(random), *_nulls(random), _score(random)]
    planted = _places(metrics, random)
    for each in planted:
        _plant(each, metrics[each.metric], random)
    series = Series(
        np.array([metric.values for metric in metrics]),
        np.array([metric.kind == "count" for metric in metrics]),
        np.array([metric.kind == "share" for metric in metrics]),
        np.repeat([[metric.base] for metric in metrics], DAYS, axis=1),
    )
    return MetricYear(series, planted)


# --- what is usual ----------------------------------------------------------------------------------------------------


def _course(random: np.random.Generator, level: float, growth: tuple[float, float]) -> Floats:
    days = np.arange(DAYS)
    season = 1 + 0.05 * np.sin(2 * np.pi * days / 365)
    course: Floats = level * np.exp(random.uniform(*growth) / 365 * days) * season
    return course


def _week(random: np.random.Generator, weekend: tuple[float, float]) -> Floats:
    week = np.array([1, 1.05, 1.03, 1, 0.95, random.uniform(*weekend), random.uniform(*weekend)])
    days: Floats = week[np.arange(DAYS) % 7]
    return days


def _changes(random: np.random.Generator) -> Iterator[_Metric]:
    """Records that changed in a day, by table."""
    for level in random.choice([60.0, 200.0, 800.0, 2000.0], 4):
        expected = _course(random, level, (-0.3, 0.8)) * _week(random, (0.3, 0.8))
        yield _Metric(random.poisson(expected).astype(float), 1 / np.sqrt(expected), "count", weekly=True)


def _records(random: np.random.Generator) -> Iterator[_Metric]:
    """Records that a table has: they grow a little each day."""
    for level in (800.0, 15_000.0):
        grown = level + np.cumsum(random.poisson(level * 0.001, DAYS)).astype(float)
        yield _Metric(grown, np.full(DAYS, 0.04), "count")


def _revenue(random: np.random.Generator) -> _Metric:
    """MRR: customers come, go and change their plans."""
    moves = np.cumsum(random.normal(0.0006, 0.003, DAYS))
    return _Metric(80_000 * np.exp(moves), np.full(DAYS, 0.05), "amount")


def _active(random: np.random.Generator) -> _Metric:
    """Customers who were seen on a day."""
    expected = _course(random, 600, (0.1, 0.5)) * _week(random, (0.3, 0.6))
    values = np.round(expected * np.exp(random.normal(0, 0.05, DAYS)))
    return _Metric(values, np.full(DAYS, 0.07), "count", weekly=True)


def _nulls(random: np.random.Generator) -> Iterator[_Metric]:
    """Shares of nulls in three columns, in percent."""
    for percent in (2.0, 8.0, 30.0):
        rate = random.binomial(1500, percent / 100, DAYS) / 1500 * 100
        yield _Metric(rate, np.full(DAYS, 0.1), "share", base=1500.0)


def _score(random: np.random.Generator) -> _Metric:
    """The mean health of all customers."""
    return _Metric(70 + random.normal(0, 0.8, DAYS), np.full(DAYS, 0.05), "score")


# --- what is planted --------------------------------------------------------------------------------------------------


def _places(metrics: list[_Metric], random: np.random.Generator) -> list[Planted]:
    """Twenty places, none near another of the same metric."""
    planted: list[Planted] = []
    fitting = {
        "null-rate creep": [row for row, metric in enumerate(metrics) if metric.kind == "share"],
        "weekday break": [row for row, metric in enumerate(metrics) if metric.weekly],
    }
    for kind in sorted(KINDS, key=lambda kind: kind not in fitting):
        for _ in range(KINDS[kind]):
            while True:
                metric = int(random.choice(fitting.get(kind, range(len(metrics)))))
                day = int(random.integers(HISTORY + 4, DAYS - 40))
                if kind == "weekday break":
                    day += (5 - day) % 7  # begins on a weekend
                if all(each.metric != metric or abs(each.day - day) >= APART for each in planted):
                    break
            lasts = {"level shift": REPAIRED, "null-rate creep": CREEP + REPAIRED, "weekday break": BREAK + REPAIRED}
            planted.append(Planted(kind, metric, day, day + lasts.get(kind, 0)))
    return planted


def _plant(anomaly: Planted, metric: _Metric, random: np.random.Generator) -> None:
    """Five to nine times the day's noise, and at least a quarter."""
    day, values = anomaly.day, metric.values
    size = max(0.25, random.uniform(5, 9) * metric.noise[day])
    if metric.kind == "share":
        size = max(size, 4 / max(values[day], 1))  # points of percent
    if anomaly.kind == "spike":
        values[day] *= 1 + size
    elif anomaly.kind == "drop":
        values[day] *= 1 - min(0.95, size)
        if metric.kind == "share" and values[day] < 2:  # fewer nulls than few are no fault: they become more
            values[day] = 8
    elif anomaly.kind == "missing day":
        values[day] = np.nan
    elif anomaly.kind == "level shift":
        up = metric.kind == "share" or random.random() < 0.5
        values[day:] *= 1 + size if up else 1 - min(0.8, size)
    elif anomaly.kind == "null-rate creep":
        values[day : day + CREEP] += np.linspace(0, random.uniform(12, 25), CREEP)
    else:
        weekend = [each for each in range(day, day + BREAK) if each % 7 >= 5]
        values[weekend] = np.nanmedian(values[day - 7 : day][:5]) * random.uniform(0.95, 1.05, len(weekend))
