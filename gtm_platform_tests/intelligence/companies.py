"""Made-up companies whose revenue moves by rates that wander, and whose deals are won and lost by age."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtm_platform.intelligence.forecasts.pipeline import OPEN, Deals

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Company:
    """Months of MRR, and what of each month's came in it."""

    mrr: Floats
    new: Floats


def company(seed: int, months: int = 60) -> Company:
    """Return a company that wins, keeps and loses at rates of its own; of some, churn jumps for good."""
    dice = np.random.default_rng(seed)
    mrr = dice.uniform(20e3, 90e3)
    arrivals, growth = mrr * dice.uniform(0.02, 0.08), dice.normal(0.008, 0.01)
    churn, expansion = dice.uniform(0.01, 0.04), dice.uniform(0.005, 0.03)
    jump = int(dice.integers(24, months)) if dice.random() < 0.25 else months
    values, came = np.empty(months), np.empty(months)
    for month in range(months):
        new = arrivals * (1 + growth) ** month * dice.lognormal(0, 0.25)
        lost = mrr * churn * (1.5 if month >= jump else 1) * dice.lognormal(0, 0.3)
        mrr = mrr + new + mrr * expansion * dice.lognormal(0, 0.3) - lost
        values[month], came[month] = mrr, new
    return Company(values, came)


def pipeline(seed: int, days: int = 700) -> Deals:
    """Return deals that come ever more often, close after weeks or months by their size, and win by their group."""
    dice = np.random.default_rng(seed)
    day = np.arange(days)
    created = np.repeat(day, dice.poisson(4 + 1.5 * np.sin(2 * np.pi * day / 365) + dice.uniform(0, 0.006) * day))
    count = len(created)
    group = dice.choice(3, size=count, p=[0.6, 0.3, 0.1])
    lasting = 1 + dice.gamma(2, np.array([10.0, 22.0, 40.0])[group]).astype(int)
    is_won = dice.random(count) < np.array([0.3, 0.25, 0.2])[group]
    closed = np.where(dice.random(count) < 0.85, created + lasting, OPEN)
    worth = dice.lognormal(np.array([7.0, 8.5, 10.0])[group], 0.5)
    return Deals(created, closed, is_won & (closed != OPEN), worth, group, ("small", "middle", "large"))


def wandering(seed: int, months: int = 60) -> Floats:
    """Return a series of which nothing can be foreseen: its changes are chance alone."""
    dice = np.random.default_rng(seed)
    walk: Floats = 50_000 * np.exp(np.cumsum(dice.normal(0, 0.05, months)))
    return walk
