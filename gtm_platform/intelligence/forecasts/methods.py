"""Ways to forecast a series from its own past: the naive one, and those that have to be better."""

from collections.abc import Callable, Mapping

import numpy as np

from gtm_platform.intelligence.forecasts.backtest import NAIVE, Floats

Method = Callable[[Floats, int], Floats]  # the past, and how many steps
PAST = 12
SMOOTHING = np.linspace(0.05, 1.0, 20)
SIGNIFICANT = 1.645


def naive(past: Floats, steps: int) -> Floats:
    """Say that all stays as it is."""
    return np.full(steps, past[-1])


def drift(past: Floats, steps: int) -> Floats:
    """Go on by the mean change of the last steps."""
    span = min(PAST, len(past) - 1)
    change = (past[-1] - past[-1 - span]) / span if span else 0.0
    forecast: Floats = past[-1] + change * np.arange(1, steps + 1)
    return forecast


def seasonal(season: int) -> Method:
    """Say that it will be as a season ago."""

    def method(past: Floats, steps: int) -> Floats:
        return np.array([past[len(past) - season + step % season] for step in range(steps)])

    return method


def seasonal_growth(season: int) -> Method:
    """Say that it will be as a season ago, and as much more as this season was than the one before."""

    def method(past: Floats, steps: int) -> Floats:
        before = float(past[-2 * season : -season].sum())
        growth = float(past[-season:].sum()) / before if before > 0 and (past >= 0).all() else 1.0
        rounds = 1 + np.arange(steps) // season
        forecast: Floats = seasonal(season)(past, steps) * growth**rounds
        return forecast

    return method


def theta(season: int) -> Method:
    """Smooth, with half of the long trend; without the season where it has one."""

    def method(past: Floats, steps: int) -> Floats:
        multipliers = _season_multipliers(past, season)
        places = np.arange(len(past) + steps) % max(season, 1)
        plain = past / multipliers[places[: len(past)]]
        level, alpha = _smoothed(plain)
        count = len(plain)
        slope = np.polyfit(np.arange(count), plain, 1)[0] if count > 2 else 0.0
        ahead = np.arange(steps) + (1 - (1 - alpha) ** count) / alpha
        forecast: Floats = (level + slope / 2 * ahead) * multipliers[places[len(past) :]]
        return forecast

    return method


def movement(new: Floats, months: int = PAST) -> Method:
    """Let what is there go on at its net rate, and as much come as came.

    `new` is what of each step's value came in that step; rate and new are means of the last so many months.
    """

    def method(past: Floats, steps: int) -> Floats:
        span = min(months, len(past) - 1)
        opening, closing, came = past[-span - 1 : -1], past[-span:], new[: len(past)][-span:]
        total = float(opening.sum())
        rate = float((closing - came).sum()) / total - 1 if total > 0 else 0.0
        values, value, coming = np.empty(steps), past[-1], float(came.mean())
        for step in range(steps):
            value = value * (1 + rate) + coming
            values[step] = value
        return values

    return method


def methods_for(values: Floats, season: int = 1, new: Floats | None = None, months: int = PAST) -> Mapping[str, Method]:
    """Return the methods that a series allows, the naive first."""
    methods: dict[str, Method] = {NAIVE: naive, "drift": drift, "theta": theta(season)}
    if season > 1 and len(values) > 2 * season:
        methods["seasonal naive"] = seasonal(season)
        methods["seasonal growth"] = seasonal_growth(season)
    if new is not None:
        methods["movement"] = movement(new, months)
    return methods


def _season_multipliers(past: Floats, season: int) -> Floats:
    """Return how each place of the season differs from the rest, as multipliers; 1 where it does not show."""
    whole = np.ones(max(season, 1))
    if season < 2 or len(past) < 3 * season or (past <= 0).any() or not _has_season(past, season):
        return whole
    kernel = np.ones(season) / season
    if season % 2 == 0:
        kernel = np.convolve(kernel, [0.5, 0.5])
    trend = np.convolve(past, kernel, mode="valid")
    half = len(kernel) // 2
    ratios, places = past[half : half + len(trend)] / trend, np.arange(half, half + len(trend)) % season
    multipliers = np.array([np.median(ratios[places == place]) for place in range(season)])
    scaled: Floats = multipliers * season / multipliers.sum()
    return scaled


def _has_season(past: Floats, season: int) -> bool:
    """Whether the changes a season apart go together more than chance lets them."""
    changes = np.diff(np.log(past))
    changes = changes - changes.mean()
    variance = float((changes**2).sum())
    if variance <= 0:
        return False
    correlations = [float((changes[lag:] * changes[:-lag]).sum()) / variance for lag in range(1, season + 1)]
    spread = np.sqrt((1 + 2 * sum(each**2 for each in correlations[:-1])) / len(changes))
    return abs(correlations[-1]) > SIGNIFICANT * float(spread)


def _smoothed(values: Floats) -> tuple[float, float]:
    """Return the level that simple smoothing ends with, at the weight that would have erred least."""
    levels = np.full(len(SMOOTHING), values[0])
    errors = np.zeros(len(SMOOTHING))
    for value in values[1:]:
        errors += (value - levels) ** 2
        levels = levels + SMOOTHING * (value - levels)
    best = int(np.argmin(errors))
    return float(levels[best]), float(SMOOTHING[best])
