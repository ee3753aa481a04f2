"""What a daily metric should be today, from the weeks before it: a level, a trend, a factor of the weekday, a spread.

Medians all the way, so that what was odd once does not count; a day that was called odd enters later baselines as what
was expected of it. What stays at a new level, or at a new weekday factor, is normal after a while.
Everything here is arrays of one row per metric and one column per day; what the metrics are of stands elsewhere.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gtm_platform.policy import Anomalies

WEEK = 7
NOW = 14  # days, whose level is that of today
LEAST = 0.5  # of a count or of percent: nothing is less, so that it has a logarithm
FLOOR, LOOSER = 0.03, 1.1  # the least spread, and how much more than the days' own it is
NORMAL = 1.4826  # makes the median of absolute deviations a standard deviation
SETTLING_SHARE = 5 / 7  # of the days of a new level, that have to be called
SAME_WEEKDAYS = 3  # called in a row are the weekday's new factor

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]  # numbers of metrics


@dataclass(frozen=True)
class Series:
    """Daily metrics, a row each: the values, and what kinds of figures they are.

    A value is nan where there is none. Shares are in percent, and `bases` the numbers that they are of; nan for others.
    """

    values: Floats
    counts: Flags
    shares: Flags
    bases: Floats

    @property
    def days(self) -> int:
        """How many days there are."""
        return int(self.values.shape[1])


@dataclass
class Judgement:
    """What was expected of each day, how far off it was in spreads, and whether that is odd.

    nan is unknown. A missing value is odd where the metric has one on other days.
    """

    expected: Floats
    deviations: Floats
    odd: Flags
    _used: Floats = field(repr=False)

    @classmethod
    def of_nothing(cls, shape: tuple[int, ...], logs: Floats) -> "Judgement":
        """Begin with days of which nothing is known."""
        return cls(np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, dtype=bool), logs.copy())

    def first_days(self, day: int) -> Rows:
        """Return since which day each metric has been odd, at most a week of normal days between two; -1: it is not."""
        since = np.where(self.odd[:, day], day, -1)
        for row in np.flatnonzero(since >= 0):
            odd = np.flatnonzero(self.odd[row, : day + 1])[::-1]
            gaps = np.flatnonzero(odd[:-1] - odd[1:] > WEEK)
            since[row] = odd[gaps[0]] if len(gaps) else odd[-1]
        return since


def judge(series: Series, rules: Anomalies, first: int = 0) -> Judgement:
    """Judge the days from `first` on, each by those before it only."""
    logs = np.log(np.maximum(series.values, LEAST))
    judged = Judgement.of_nothing(series.values.shape, logs)
    begins = np.argmax(~np.isnan(series.values), axis=1)
    begins[np.isnan(series.values).all(axis=1)] = series.days
    for day in range(series.days):
        weeks = np.minimum((day - begins) // WEEK, rules.baseline_days // WEEK)
        enough = weeks[weeks * WEEK >= rules.least_history_days] if day >= first else weeks[:0]
        for length in np.unique(enough):
            _judge_day(series, judged, logs, rules, np.flatnonzero(weeks == length), day, int(length) * WEEK)
        _fill_hole(judged._used, day)
    return judged


def _fill_hole(used: Floats, day: int) -> None:
    """A day without a value counts as the same day of the week before, or as the day before."""
    for back in (WEEK, 1):
        if day >= back:
            holes = np.isnan(used[:, day])
            used[holes, day] = used[holes, day - back]


def _judge_day(
    series: Series,
    judged: Judgement,
    logs: Floats,
    rules: Anomalies,
    rows: Rows,
    day: int,
    length: int,
) -> None:
    """Judge a day of the metrics that have a history of so many days."""
    shares, used = series.shares[rows], judged._used
    center, spread = _expectation(used[rows, day - length : day], shares)
    expected = np.exp(center)
    spread = np.maximum(spread, _sampling_error(expected, series.counts[rows], shares, series.bases[rows, day]))
    off = logs[rows, day] - center
    deviation = np.where(off > 0, np.expm1(off), off) / spread
    values = np.maximum(series.values[rows, day], 0)
    limit = np.where(series.counts[rows], rules.count_deviation, rules.deviation)
    least = np.maximum(np.where(shares, rules.least_points, rules.least_change * expected), 0)
    least = np.where(series.counts[rows], np.maximum(least, rules.least_records), least)
    with np.errstate(invalid="ignore"):
        odd = (np.abs(deviation) > limit) & (np.abs(values - expected) >= least)
    missing = np.isnan(series.values[rows, day])
    odd |= missing & _is_regular(series.values[rows, max(0, day - 2 * WEEK) : day])
    judged.expected[rows, day], judged.deviations[rows, day], judged.odd[rows, day] = expected, deviation, odd
    used[rows, day] = np.where(odd | missing, center, logs[rows, day])
    _accept_levels(judged, logs, rules, rows[odd & ~missing], day)
    _accept_weekdays(judged, logs, rows[odd & ~missing], day)


def _expectation(history: Floats, shares: Flags) -> tuple[Floats, Floats]:
    """Return the logarithm of what is to be expected on the day after some weeks, and its spread.

    A share has no trend: one that creeps up is to be noticed.
    """
    length = history.shape[1]
    half = length // 2
    slope = (np.median(history[:, half:], axis=1) - np.median(history[:, :half], axis=1)) / half
    slope = np.where(shares, 0.0, slope)
    flat = history - slope[:, None] * np.arange(-length, 0)
    level = np.median(flat, axis=1)
    by_weekday = (flat - level[:, None]).reshape(len(flat), length // WEEK, WEEK)
    factors = np.median(by_weekday, axis=1)
    rest = (by_weekday - factors[:, None, :]).reshape(len(flat), length)
    now = np.where(shares, 0.0, np.median(rest[:, -NOW:], axis=1))
    spread = NORMAL * np.median(np.abs(rest - np.median(rest, axis=1)[:, None]), axis=1)
    return level + now + factors[:, 0], np.maximum(LOOSER * spread, FLOOR)


def _sampling_error(expected: Floats, counts: Flags, shares: Flags, bases: Floats) -> Floats:
    """How far a count, or a share of so many, is off by chance, as a share of itself."""
    rest = np.clip(1 - expected / 100, 0.01, 1)
    of_share = np.sqrt(rest / np.maximum(np.nan_to_num(bases, nan=1.0) * expected / 100, 1))
    return np.where(counts, 1 / np.sqrt(np.maximum(expected, 1)), np.where(shares, of_share, 0.0))


def _is_regular(recent: Floats) -> Flags:
    """Whether a metric had a value on nearly all days of late, so that one without is odd."""
    regular: Flags = (~np.isnan(recent)).sum(axis=1) >= max(WEEK, recent.shape[1] - 3)
    return regular


def _accept_levels(judged: Judgement, logs: Floats, rules: Anomalies, rows: Rows, day: int) -> None:
    """Take what has been off in one direction for some days as the level from now on: history moves to it."""
    days = rules.settling_days
    start = day - days + 1
    if start < 0 or not len(rows):
        return
    span = slice(start, day + 1)
    signs = np.sign(judged.deviations[rows, span]) * judged.odd[rows, span]
    settled = rows[np.abs(np.nansum(signs, axis=1)) >= SETTLING_SHARE * days]
    for row in settled:
        off = logs[row, span] - np.log(judged.expected[row, span])
        judged._used[row, :start] += np.nanmedian(off)
        judged._used[row, span] = np.where(np.isnan(logs[row, span]), judged._used[row, span], logs[row, span])


def _accept_weekdays(judged: Judgement, logs: Floats, rows: Rows, day: int) -> None:
    """Take what has been off on the same weekday for some weeks as that weekday's factor from now on."""
    days = day - WEEK * np.arange(SAME_WEEKDAYS)
    if days[-1] < 0 or not len(rows):
        return
    signs = np.sign(judged.deviations[np.ix_(rows, days)]) * judged.odd[np.ix_(rows, days)]
    for row in rows[np.abs(np.nansum(signs, axis=1)) >= SAME_WEEKDAYS]:
        off = np.nanmedian(logs[row, days] - np.log(judged.expected[row, days]))
        judged._used[row, days[-1] - WEEK :: -WEEK] += off
        judged._used[row, days] = logs[row, days]
