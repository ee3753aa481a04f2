"""Rates and means of small groups: drawn to the mean of all, with intervals that hold for few, too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtm_platform.lake.expressions.rates import wilson

Floats = NDArray[np.float64]

Z = 1.959963984540054  # 95 % of a normal distribution lie within so many deviations
ROUNDS, SEED = 999, 20
FEWEST = 5  # values below which a mean has no interval
MOST_RESAMPLED = 5_000  # of more, the mean is as normal as it gets, and its draws would fill the memory


@dataclass(frozen=True)
class Estimate:
    """A rate or mean of a group: as counted, its interval (95 %), and drawn to the mean of all."""

    count: int
    value: float | None
    low: float | None
    high: float | None
    drawn: float | None


def rate(events: int, count: int, overall: float | None, prior: float) -> Estimate:
    """Return a rate with Wilson's interval; so many more like all are added to the drawn one."""
    if overall is None:
        return Estimate(count, None, None, None, None)
    drawn = (events + prior * overall) / (count + prior)
    if not count:
        return Estimate(0, None, None, None, drawn)
    low, high = wilson(events / count, count, Z)
    return Estimate(count, events / count, max(0.0, low), min(1.0, high), drawn)


def mean(values: Floats, overall: float | None, prior: float) -> Estimate:
    """Return a mean of skewed amounts: its interval is of resampled means, studentised, in logarithms."""
    if overall is None:
        return Estimate(len(values), None, None, None, None)
    drawn = float((values.sum() + prior * overall) / (len(values) + prior))
    if not len(values):
        return Estimate(0, None, None, None, drawn)
    low, high = _interval(values)
    return Estimate(len(values), float(values.mean()), low, high, drawn)


def _interval(values: Floats) -> tuple[float | None, float | None]:
    count, middle = len(values), float(values.mean())
    error = float(values.std(ddof=1)) / np.sqrt(count) if count >= FEWEST else 0.0
    if middle <= 0 or error <= 0:
        return None, None
    spread = error / middle
    if count > MOST_RESAMPLED:
        return float(middle * np.exp(-Z * spread)), float(middle * np.exp(Z * spread))
    drawn = np.sort(values)[np.random.default_rng(SEED).integers(0, count, (ROUNDS, count))]
    means, errors = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(count)
    usable = (means > 0) & (errors > 0)
    distance = np.log(means[usable] / middle) / (errors[usable] / means[usable])
    below, above = np.quantile(distance, (0.025, 0.975))
    return float(middle * np.exp(-above * spread)), float(middle * np.exp(-below * spread))
