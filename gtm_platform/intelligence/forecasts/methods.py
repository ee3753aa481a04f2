"""Ways to forecast a series from its own past: the naive one, and those that have to be better."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gtm_platform.intelligence.forecasts.backtest import NAIVE, Floats

Method = Callable[[Floats, int], Floats]  # the past, and how many steps
PAST = 12
SMOOTHING = np.linspace(0.05, 1.0, 20)
WEIGHTS = np.array(  # of the level, of the trend, and how much of the trend is left a step later
    [
        (level, trend, left)
        for level in (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
        for trend in (0.05, 0.15, 0.4)
        for left in (0.9, 0.98)
    ]
)
SPAN = 5  # values from which the first trend is taken
MOST_STEPS = 1_000
SIGNIFICANT = 1.645
CLEAR, VERY_CLEAR = 0.6, 0.9  # strength of a season: by chance in 3 % of random walks of three seasons, and of two


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
        before = float(past[-2 * season : -season].sum()) if len(past) >= 2 * season else 0.0
        growth = float(past[-season:].sum()) / before if before > 0 and (past >= 0).all() else 1.0
        rounds = 1 + np.arange(steps) // season
        forecast: Floats = seasonal(season)(past, steps) * growth**rounds
        return forecast

    return method


def theta(season: int) -> Method:
    """Smooth, with half of the long trend; without the season where it has one."""

    def method(past: Floats, steps: int) -> Floats:
        plain, with_season = _without_season(past, season)
        level, alpha = _smoothed(plain)
        count = len(plain)
        slope = np.polyfit(np.arange(count), plain, 1)[0] if count > 2 else 0.0
        ahead = np.arange(steps) + (1 - (1 - alpha) ** count) / alpha
        return with_season(np.asarray(level + slope / 2 * ahead, dtype=float))

    return method


def damped(season: int) -> Method:
    """Smooth level and trend, the trend fading away; without the season where it has one."""

    def method(past: Floats, steps: int) -> Floats:
        plain, with_season = _without_season(past, season)
        level, trend, fading = _smoothed_trend(plain)
        return with_season(level + trend * np.cumsum(fading ** np.arange(1, steps + 1)))

    return method


def mean_of(*methods: Method) -> Method:
    """Forecast the mean of some."""

    def method(past: Floats, steps: int) -> Floats:
        forecast: Floats = np.mean([each(past, steps) for each in methods], axis=0)
        return forecast

    return method


def remembered(method: Method) -> Method:
    """Compute the same forecast once, where several methods begin with it."""
    last: dict[tuple[bytes, int], Floats] = {}

    def same(past: Floats, steps: int) -> Floats:
        key = (past.tobytes(), steps)
        if key not in last:
            last.clear()
            last[key] = method(past, steps)
        return last[key]

    return same


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
    smooth, fading = remembered(theta(season)), remembered(damped(season))
    methods: dict[str, Method] = {NAIVE: naive, "drift": drift, "theta": smooth}
    if season > 1 and len(values) > season:
        methods["seasonal naive"] = seasonal(season)
        methods["seasonal growth"] = seasonal_growth(season)
        methods["damped trend"] = fading
        methods["mean of theta and damped trend"] = mean_of(smooth, fading)
    if new is not None:
        methods["movement"] = movement(new, months)
    return methods


def _without_season(past: Floats, season: int) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Return a series without its season, and what puts the season back into a forecast of it.

    A season multiplies what is always more than nothing, and is added to what is not.
    """
    places = (len(past) + np.arange(MOST_STEPS)) % max(season, 1)
    if season < 2 or len(past) <= 2 * season:
        return past, lambda forecast: forecast
    if (past > 0).all():
        if not _has_season(np.log(past), season):
            return past, lambda forecast: forecast
        parts = np.exp(_season_parts(np.log(past), season))
        parts = parts * season / parts.sum()
        return past / parts[np.arange(len(past)) % season], lambda forecast: forecast * parts[places[: len(forecast)]]
    if not _has_season(past, season):
        return past, lambda forecast: forecast
    added = _season_parts(past, season)
    return past - added[np.arange(len(past)) % season], lambda forecast: forecast + added[places[: len(forecast)]]


def _season_parts(past: Floats, season: int) -> Floats:
    """Return by how much each place of the season differs from the course of a whole season."""
    apart, places = _apart(past, season)
    parts = np.array([np.median(apart[places == place]) for place in range(season)])
    return np.asarray(parts - parts.mean(), dtype=float)


def _apart(past: Floats, season: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return how far values are from the mean of a whole season around them, and their places in it."""
    kernel = np.ones(season) / season
    if season % 2 == 0:
        kernel = np.convolve(kernel, [0.5, 0.5])
    trend = np.convolve(past, kernel, mode="valid")
    half = len(kernel) // 2
    apart: Floats = past[half : half + len(trend)] - trend
    return apart, np.arange(half, half + len(trend)) % season


def _has_season(past: Floats, season: int) -> bool:
    """Whether places of the season differ, or changes a season apart go together, more than chance lets them."""
    return _strength(past, season) > (CLEAR if len(past) >= 3 * season else VERY_CLEAR) or _goes_together(past, season)


def _strength(past: Floats, season: int) -> float:
    """Return the share of what values are apart from their course that their places in the season explain."""
    apart, places = _apart(past, season)
    spare = len(apart) - season
    total = float(((apart - apart.mean()) ** 2).sum())
    if spare < 1 or total <= 0:
        return 0.0
    means = np.array([apart[places == place].mean() for place in range(season)])
    return 1 - float(((apart - means[places]) ** 2).sum()) / spare / (total / (len(apart) - 1))


def _goes_together(past: Floats, season: int) -> bool:
    changes = np.diff(past)
    changes = changes - changes.mean()
    variance = float((changes**2).sum())
    if variance <= 0:
        return False
    correlations = [float((changes[lag:] * changes[:-lag]).sum()) / variance for lag in range(1, season + 1)]
    spread = np.sqrt((1 + 2 * sum(each**2 for each in correlations[:-1])) / len(changes))
    return abs(correlations[-1]) > SIGNIFICANT * float(spread)


def _smoothed_trend(values: Floats) -> tuple[float, float, float]:
    """Return level, trend and how fast the trend fades, at the weights that would have erred least."""
    levels = np.full(len(WEIGHTS), values[0])
    trends = np.full(len(WEIGHTS), (values[min(SPAN, len(values) - 1)] - values[0]) / min(SPAN, len(values) - 1))
    by_level, by_trend, fading = WEIGHTS.T
    errors = np.zeros(len(WEIGHTS))
    for value in values[1:]:
        foreseen = levels + fading * trends
        wrong = value - foreseen
        errors += wrong**2
        levels = foreseen + by_level * wrong
        trends = fading * trends + by_level * by_trend * wrong
    best = int(np.argmin(errors))
    return float(levels[best]), float(trends[best]), float(fading[best])


def _smoothed(values: Floats) -> tuple[float, float]:
    """Return the level that simple smoothing ends with, at the weight that would have erred least."""
    levels = np.full(len(SMOOTHING), values[0])
    errors = np.zeros(len(SMOOTHING))
    for value in values[1:]:
        errors += (value - levels) ** 2
        levels = levels + SMOOTHING * (value - levels)
    best = int(np.argmin(errors))
    return float(levels[best]), float(SMOOTHING[best])
