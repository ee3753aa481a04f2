"""Past forecasts beside what came: which method is delivered, and with which interval.

Errors are logarithms of the ratio of what came to what was forecast, so that 0.05 is about 5 %; of series that touch
nothing they are differences, as a share of the series' mean size. At each moment only what had come by then counts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
NAIVE = "naive"


@dataclass(frozen=True)
class Rules:
    """When another method than the naive is delivered, and how often the interval is to hold what comes."""

    least_past: int = 8
    better_by: float = 0.1
    interval: float = 0.8


@dataclass(frozen=True)
class Scale:
    """How errors are measured, so that an interval can be put around a forecast."""

    in_logs: bool
    size: float = 1.0  # of the series, where it is not in logs; else what is added before the logarithm

    def errors(self, actual: Floats, forecast: Floats) -> Floats:
        """Return what came over what was forecast."""
        if not self.in_logs:
            return (actual - forecast) / self.size
        offset = self.size
        ratio: Floats = np.log(np.maximum(actual + offset, 1e-12) / np.maximum(forecast + offset, 1e-12))
        return ratio

    def interval(self, forecast: float, width: float) -> tuple[float, float]:
        """Return the ends that lie so far off."""
        if not self.in_logs:
            return forecast - width * self.size, forecast + width * self.size
        offset = self.size
        low, high = ((forecast + offset) * math.exp(sign * width) - offset for sign in (-1, 1))
        return (max(low, 0.0) if forecast >= 0 else low), high


@dataclass(frozen=True)
class PastForecasts:
    """The errors of each method: a row per origin, a column per horizon; NaN where nothing has come yet.

    An origin's errors at a horizon are seen `delay` origins later (of a horizon h of a series: h).
    """

    errors: Mapping[str, Floats]
    delays: Sequence[int]

    @property
    def origins(self) -> int:
        """How many past moments there are."""
        return len(self.errors[NAIVE])

    def seen_by(self, origin: int) -> "PastForecasts":
        """Return what had come by an origin, all after it unknown."""
        place = np.arange(origin)[:, None] + np.array(self.delays)[None, :]
        hidden = place > origin
        return PastForecasts(
            {name: np.where(hidden, np.nan, errors[:origin]) for name, errors in self.errors.items()}, self.delays
        )

    def common(self) -> dict[str, Floats]:
        """Return absolute errors where every method has one."""
        in_all = np.logical_and.reduce([~np.isnan(errors) for errors in self.errors.values()])
        return {name: np.where(in_all, np.abs(errors), np.nan) for name, errors in self.errors.items()}


@dataclass(frozen=True)
class Chosen:
    """The method that is delivered, and why."""

    method: str
    best: str  # the best beside the naive, delivered or not
    past: int  # origins that it was judged by
    errors: Mapping[str, float]  # mean absolute error of each method over all horizons

    @property
    def sentence(self) -> str:
        """Say it to people."""
        naive, best = self.errors.get(NAIVE, math.nan), self.errors.get(self.best, math.nan)
        if math.isnan(naive):
            return "Too little past: no forecast's end has been seen yet, so the naive one is delivered."
        means = f"its mean error over {self.past} past forecasts is {best:.1%}, that of the naive {naive:.1%}"
        if self.method != NAIVE:
            return f"{self.method.capitalize()} is delivered: {means}."
        if self.best == NAIVE:
            return f"Naive is best so far: its mean error over {self.past} past forecasts is {naive:.1%}."
        return f"Naive is best so far: {self.best} was nearest to it; {means}."


def choose(past: PastForecasts, rules: Rules) -> Chosen:
    """Choose the best method so far; the naive unless another was clearly better, often enough."""
    common = past.common()
    counted = int((~np.isnan(common[NAIVE])).any(axis=1).sum()) if past.origins else 0
    means = {name: _mean(errors) for name, errors in common.items()}
    rivals = {name: mean for name, mean in means.items() if name != NAIVE and not math.isnan(mean)}
    best = min(rivals, key=rivals.__getitem__, default=NAIVE)
    is_better = best != NAIVE and counted >= rules.least_past and means[best] < means[NAIVE] * (1 - rules.better_by)
    return Chosen(best if is_better else NAIVE, best, counted, means)


def half_width(errors: Floats, rules: Rules) -> float | None:
    """Return within which so many past errors lay; None where they are too few to tell."""
    ranked = np.sort(np.abs(errors[~np.isnan(errors)]))
    rank = math.ceil(rules.interval * (len(ranked) + 1))
    return float(ranked[rank - 1]) if 0 < rank <= len(ranked) else None


def half_widths(errors: Floats, rules: Rules) -> Floats:
    """Return the width of each horizon, no narrower than that of a nearer one; NaN for none."""
    each = [half_width(column, rules) for column in errors.T]
    widths: Floats = np.fmax.accumulate(np.array([np.nan if width is None else width for width in each]))
    return np.where([width is None for width in each], np.nan, widths)


@dataclass(frozen=True)
class Delivered:
    """What would have been delivered at each origin: its errors, and whether intervals held."""

    errors: Floats
    is_within: Floats  # 1, 0, or NaN where there was no interval

    @property
    def coverage(self) -> float | None:
        """The share of what came that intervals held; None where there were none."""
        return None if np.isnan(self.is_within).all() else float(np.nanmean(self.is_within))


def replay(past: PastForecasts, rules: Rules) -> Delivered:
    """Go through the origins, choosing at each by what had come by then."""
    shape = past.errors[NAIVE].shape
    errors, within = np.full(shape, np.nan), np.full(shape, np.nan)
    for origin in range(shape[0]):
        seen = past.seen_by(origin)
        method = choose(seen, rules).method
        errors[origin] = past.errors[method][origin]
        widths = half_widths(seen.errors[method], rules)
        judged = ~np.isnan(widths) & ~np.isnan(errors[origin])
        within[origin, judged] = np.abs(errors[origin, judged]) <= widths[judged]
    return Delivered(errors, within)


def _mean(errors: Floats) -> float:
    return math.nan if np.isnan(errors).all() else float(np.nanmean(errors))
