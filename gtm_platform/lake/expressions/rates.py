"""Rates with the interval that so many observations allow, by Wilson: never outside of 0 to 1, and wide for few."""

from statistics import NormalDist
from typing import Any

import ibis

from gtm_platform.lake.expressions.literals import number


def wilson(share: Any, count: Any, z: Any) -> tuple[Any, Any]:
    """Return the ends of the interval of a share of so many, for z standard deviations.

    These may be numbers or columns. Computing leaves a little of an end that is exactly 0 or 1.
    """
    weight = z * z / count
    centre = (share + weight / 2) / (weight + 1)
    half = (share * (1 - share) / count + weight / (count * 4)) ** 0.5 * z / (weight + 1)
    return centre - half, centre + half


def rate_columns(name: str, successes: ibis.Value, trials: ibis.Value, interval: float) -> dict[str, ibis.Value]:
    """Return [<name>, <name>_low, <name>_high] of counts; null without a trial."""
    count = trials.cast("float64").nullif(0)
    share = successes.cast("float64") / count
    lower, upper = wilson(share, count, number(NormalDist().inv_cdf((1 + interval) / 2)))
    low = ibis.ifelse(successes == 0, number(0), lower)
    high = ibis.ifelse(successes == trials, number(1), upper)
    bounds = {f"{name}_low": low, f"{name}_high": high}
    nothing = ibis.null("float64")
    return {name: share, **{bound: ibis.ifelse(count.notnull(), at, nothing) for bound, at in bounds.items()}}


def difference_columns(
    name: str, first: tuple[ibis.Value, ibis.Value], second: tuple[ibis.Value, ibis.Value], interval: float
) -> dict[str, ibis.Value]:
    """Return [<name>, <name>_low, <name>_high] of two rates, each of (successes, trials), by Newcombe."""
    mine, other = (rate_columns("rate", *counts, interval) for counts in (first, second))
    difference = mine["rate"] - other["rate"]
    down = _distance(mine["rate"] - mine["rate_low"], other["rate_high"] - other["rate"])
    up = _distance(mine["rate_high"] - mine["rate"], other["rate"] - other["rate_low"])
    return {name: difference, f"{name}_low": difference - down, f"{name}_high": difference + up}


def _distance(first: ibis.Value, second: ibis.Value) -> ibis.Value:
    return (first * first + second * second).sqrt()
