"""The forecast of a series: months of MRR, or any values at even steps."""

from dataclasses import dataclass

import numpy as np

from gtm_platform.intelligence.forecasts.backtest import (
    NAIVE,
    Chosen,
    Delivered,
    Floats,
    PastForecasts,
    Rules,
    Scale,
    choose,
    half_widths,
    replay,
)
from gtm_platform.intelligence.forecasts.methods import PAST, methods_for

LEAST_PAST = 3  # values that a forecast needs
TRIED_LAST = 60  # origins that are gone back
ENOUGH_ORIGINS = 12  # to look back on only where two seasons had been seen


@dataclass(frozen=True)
class Step:
    """The forecast of a step, counted from the end of the series."""

    number: int
    value: float
    low: float | None
    high: float | None
    naive: float


@dataclass(frozen=True)
class SeriesForecast:
    """What is forecast, by what, and how such forecasts did."""

    steps: tuple[Step, ...]
    chosen: Chosen
    errors: dict[str, list[float]]  # of each method the mean absolute error by step, over the same origins
    delivered: Delivered

    @property
    def delivered_errors(self) -> list[float]:
        """The mean absolute error by step of what would have been delivered."""
        return _by_step(np.abs(self.delivered.errors))


class TooLittlePast(ValueError):
    """A series is too short to be forecast; the message says how long it is and has to be."""


def forecast_series(
    values: Floats,
    steps: int,
    rules: Rules,
    season: int = 1,
    new: Floats | None = None,
    months: int = PAST,
) -> SeriesForecast:
    """Forecast so many steps of a series; `new` is what of each value came in its step."""
    if len(values) < LEAST_PAST:
        raise TooLittlePast(f"The series has {len(values)} values; a forecast needs {LEAST_PAST}.")
    methods = methods_for(values, season, new, months)
    scale = _scale(values)
    past = _past(values, steps, season, new, months, scale)
    chosen = choose(past, rules)
    forecast = methods[chosen.method](values, steps)
    widths = half_widths(past.errors[chosen.method], rules)
    naive = methods[NAIVE](values, steps)
    return SeriesForecast(
        tuple(_step(place, forecast, widths, naive, scale) for place in range(steps)),
        chosen,
        {name: _by_step(errors) for name, errors in past.common().items()},
        replay(past, rules),
    )


def _step(place: int, forecast: Floats, widths: Floats, naive: Floats, scale: Scale) -> Step:
    value, width = float(forecast[place]), float(widths[place])
    low, high = (None, None) if np.isnan(width) else scale.interval(value, width)
    return Step(place + 1, value, low, high, float(naive[place]))


def _scale(values: Floats) -> Scale:
    if (values > 0).all():
        return Scale(in_logs=True, size=0.0)
    return Scale(in_logs=False, size=float(np.abs(values).mean()) or 1.0)


def _past(values: Floats, steps: int, season: int, new: Floats | None, months: int, scale: Scale) -> PastForecasts:
    """Forecast from every earlier end of the series, by what was there by then."""
    least = max(LEAST_PAST, min(months + 1, len(values) // 2), _seasons_seen(len(values), season))
    origins = range(max(least, len(values) - TRIED_LAST), len(values))
    names = list(methods_for(values[:least], season, new, months))
    errors = {name: np.full((len(origins), steps), np.nan) for name in names}
    for row, origin in enumerate(origins):
        came = values[origin : origin + steps]
        of_then = methods_for(values[:origin], season, None if new is None else new[:origin], months)
        for name in names:
            forecast = of_then[name](values[:origin], steps)[: len(came)]
            errors[name][row, : len(came)] = scale.errors(came, forecast)
    return PastForecasts(errors, range(1, steps + 1))


def _seasons_seen(count: int, season: int) -> int:
    """Return from how many values on a season shows: two whole ones, or one where there are too few to judge by."""
    if season < 2:
        return 0
    return 2 * season + 1 if count - 2 * season > ENOUGH_ORIGINS else season + 1


def _by_step(errors: Floats) -> list[float]:
    return [float(np.nanmean(column)) if not np.isnan(column).all() else float("nan") for column in errors.T]
