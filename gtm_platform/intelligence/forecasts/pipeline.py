"""What of the pipeline will be won: by how deals of each age, group and stage were before.

A deal is won or lost at a hazard that depends on its age in days, whatever may happen to it first (Aalen–Johansen).
What open deals of a group are worth is what deals of the group were won for: their own amounts change until they close,
and those of deals that are closed say what they changed to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gtm_platform.intelligence.forecasts.backtest import (
    NAIVE,
    Chosen,
    Delivered,
    Floats,
    PastForecasts,
    Rules,
    Scale,
    choose,
    half_width,
    replay,
)

Days = NDArray[np.int64]
Flags = NDArray[np.bool_]
HAZARDS, BOTH = "age of deals", "mean of both"
MAX_AGE, SMOOTHED_OVER = 730, 15  # days
WORTH_OF = 365  # days whose wins say what a win is worth
RATE_PRIOR, WORTH_PRIOR = 20, 5  # deals like all that are added to those of a group
ORIGINS, ORIGIN_EVERY = 60, 7  # past moments that are gone back to, and the days between them
OPEN = -1


@dataclass(frozen=True)
class Deals:
    """Deals by the day they came and closed, counted from any day; `closed` is -1 of who is open."""

    created: Days
    closed: Days
    won: Flags
    worth: Floats  # of a deal that was won; of the others it is not looked at
    group: NDArray[np.int64]
    names: Sequence[str] = ("all",)  # of the groups

    def as_of(self, day: int) -> "Deals":
        """Return what was known at the end of a day."""
        came = self.created <= day
        closed = np.where(self.closed > day, OPEN, self.closed)
        return Deals(
            self.created[came],
            closed[came],
            (self.won & (closed != OPEN))[came],
            self.worth[came],
            self.group[came],
            self.names,
        )

    def won_within(self, after: int, until: int) -> float:
        """Return what was won after a day, until another."""
        return float(self.worth[self.won & (self.closed > after) & (self.closed <= until)].sum())


@dataclass(frozen=True)
class Outlook:
    """What is expected to be won, of deals that are open and of those to come."""

    of_open: float
    to_come: float
    open_deals: int
    by_group: Mapping[str, float] = field(default_factory=dict)  # of those that are open

    @property
    def value(self) -> float:
        """All of it."""
        return self.of_open + self.to_come


@dataclass(frozen=True)
class PipelineForecast:
    """What will be won within some days, by what is best so far, beside the naive forecast."""

    days: int
    value: float
    low: float | None
    high: float | None
    naive: float
    outlook: Outlook
    chosen: Chosen
    delivered: Delivered

    @property
    def delivered_error(self) -> float:
        """The mean absolute error of what would have been delivered."""
        errors = np.abs(self.delivered.errors)
        return float("nan") if np.isnan(errors).all() else float(np.nanmean(errors))


def outlook(deals: Deals, day: int, days: int, stage: Floats | None = None) -> Outlook:
    """Return what is expected after a day, by what was known at its end.

    `stage` is of each deal how much more likely it is won than others of its age and group.
    """
    is_closed = deals.closed != OPEN
    age = _ages(deals, is_closed, day)
    won_by, open_still = _incidence(age, is_closed, deals.won)
    worth, rates = _worth(deals, day), _rates(deals, is_closed)
    groups = deals.group[~is_closed]
    by_deal = chances(deals, day, days, stage)[~is_closed] * worth[groups]
    # Deals to come: as many as in the last days, each with what is left of the days from when it comes.
    fresh = deals.group[(deals.created > day - days) & (deals.created <= day)]
    arrivals = np.bincount(fresh, minlength=len(deals.names)) / days
    of_group = np.bincount(groups, weights=by_deal, minlength=len(deals.names))
    whole = float(np.clip((won_by[:days] - won_by[0]) / open_still[0], 0.0, 1.0).sum())
    return Outlook(
        of_open=float(by_deal.sum()),
        to_come=float((arrivals * worth * rates).sum() * whole),
        open_deals=len(groups),
        by_group=dict(zip(deals.names, of_group.tolist(), strict=True)),
    )


def chances(deals: Deals, day: int, days: int, stage: Floats | None = None) -> Floats:
    """Return of each deal the chance to be won within some days; 0 of those that are closed."""
    is_closed = deals.closed != OPEN
    age = _ages(deals, is_closed, day)
    won_by, open_still = _incidence(age, is_closed, deals.won)
    within = np.clip((_later(won_by, days) - won_by) / open_still, 0.0, 1.0)
    factor = _rates(deals, is_closed)[deals.group] * (1.0 if stage is None else stage)
    chance: Floats = np.where(is_closed, 0.0, np.minimum(within[age] * factor, 1.0))
    return chance


def forecast_pipeline(deals: Deals, day: int, days: int, rules: Rules, stage: Floats | None = None) -> PipelineForecast:
    """Forecast what is won in so many days after a day, having tried the same at earlier days."""
    now = deals.as_of(day)
    scale = Scale(in_logs=True, size=_half_a_win(now))
    origins = _origins(now, day, days)
    errors = {name: np.full((len(origins), 1), np.nan) for name in (NAIVE, HAZARDS, BOTH)}
    for row, origin in enumerate(origins):
        came = np.array([now.won_within(origin, origin + days)])
        then = now.as_of(origin)
        for name, value in _each(then, origin, days, outlook(then, origin, days)).items():
            errors[name][row] = scale.errors(came, np.array([value]))
    # What came after an origin is seen once its days are over: so many origins later.
    past = PastForecasts(errors, [-(-days // ORIGIN_EVERY)])
    chosen = choose(past, rules)
    expected = outlook(now, day, days, None if stage is None else stage[deals.created <= day])
    values = _each(now, day, days, expected)
    width = half_width(past.errors[chosen.method][:, 0], rules)
    low, high = (None, None) if width is None else scale.interval(values[chosen.method], width)
    return PipelineForecast(
        days, values[chosen.method], low, high, values[NAIVE], expected, chosen, replay(past, rules)
    )


def _origins(deals: Deals, day: int, days: int) -> list[int]:
    """Return past days, the oldest first, with as many days seen before and after them."""
    if not len(deals.created):
        return []
    closed = deals.closed[deals.closed != OPEN]
    first = int(closed.min()) if len(closed) else day
    origins = [day - days - ORIGIN_EVERY * back for back in range(ORIGINS)]
    return [origin for origin in reversed(origins) if origin - days >= first]


def _each(deals: Deals, day: int, days: int, expected: Outlook) -> dict[str, float]:
    """Return what each way says: as much as in the last days, by the deals, and the mean of both."""
    naive = deals.won_within(day - days, day)
    return {NAIVE: naive, HAZARDS: expected.value, BOTH: (naive + expected.value) / 2}


def _ages(deals: Deals, is_closed: Flags, day: int) -> Days:
    """Return the age of each deal in days, when it closed or else on the day."""
    ages: Days = np.clip(np.where(is_closed, deals.closed, day) - deals.created, 0, MAX_AGE)
    return ages


def _incidence(age: Days, is_closed: Flags, won: Flags) -> tuple[Floats, Floats]:
    """Return by age the share of deals that are won by then, and the share that is still open."""
    at_risk = np.bincount(age, minlength=MAX_AGE + 1)[::-1].cumsum()[::-1].astype(float)
    wins = _hazard(np.bincount(age[won], minlength=MAX_AGE + 1), at_risk)
    losses = _hazard(np.bincount(age[is_closed & ~won], minlength=MAX_AGE + 1), at_risk)
    open_still = np.cumprod(np.clip(1 - wins - losses, 0.0, 1.0))
    won_by: Floats = np.cumsum(np.r_[1.0, open_still[:-1]] * wins)
    return won_by, np.maximum(open_still, 1e-12)


def _later(won_by: Floats, days: int) -> Floats:
    later: Floats = won_by[np.minimum(np.arange(MAX_AGE + 1) + days, MAX_AGE)]
    return later


def _hazard(events: Days, at_risk: Floats) -> Floats:
    """Return the share of those at risk that an event befalls at each age, over some days around it."""
    kernel = np.ones(SMOOTHED_OVER)
    hazard: Floats = np.convolve(events, kernel, "same") / np.maximum(np.convolve(at_risk, kernel, "same"), 1.0)
    return hazard


def _worth(deals: Deals, day: int) -> Floats:
    """Return what a win of each group was worth lately, drawn to that of all."""
    lately = deals.won & (deals.closed > day - WORTH_OF)
    if not lately.any():
        return np.zeros(len(deals.names))
    size = len(deals.names)
    sums = np.bincount(deals.group[lately], weights=deals.worth[lately], minlength=size)
    counts = np.bincount(deals.group[lately], minlength=size)
    worth: Floats = (sums + WORTH_PRIOR * deals.worth[lately].mean()) / (counts + WORTH_PRIOR)
    return worth


def _rates(deals: Deals, is_closed: Flags) -> Floats:
    """Return how much more often deals of each group are won than all, drawn to all."""
    if not deals.won.any():
        return np.ones(len(deals.names))
    size, base = len(deals.names), float(deals.won[is_closed].mean())
    closed = np.bincount(deals.group[is_closed], minlength=size)
    won = np.bincount(deals.group[deals.won], minlength=size)
    rates: Floats = (won + RATE_PRIOR * base) / (closed + RATE_PRIOR) / base
    return rates


def _half_a_win(deals: Deals) -> float:
    """Return what is added before logarithms, so that days without a win can be compared."""
    return float(deals.worth[deals.won].mean()) / 2 if deals.won.any() else 1.0
