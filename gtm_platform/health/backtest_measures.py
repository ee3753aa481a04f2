"""How good scores were at telling who churns: ranking, calibration, shares, with intervals over customers.

Plain figures of arrays; which rows they are made of is decided in `backtest_history`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BINS = 10
ROUNDS = 400
SEED = 20
FLOOR_DRAWS = 50  # of labels by a perfect model


@dataclass(frozen=True)
class Measure:
    """A figure, and the interval that 95 % of resampled sets of customers lie in, where there is one."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Resampling:
    """Sets of customers drawn with replacement, the same for every figure.

    All rows of a customer come and go together.
    """

    def __init__(self, customers: Sequence[str], rounds: int = ROUNDS) -> None:
        names, self._codes = np.unique(np.asarray(customers, dtype=object).astype(str), return_inverse=True)
        count = len(names)
        draw = np.random.default_rng(SEED)
        self._weights = (
            draw.multinomial(count, np.full(count, 1 / count), size=rounds).astype(float)
            if count
            else np.zeros((rounds, 0))
        )

    def share(self, counted: Flags, among: Flags | None = None) -> Measure:
        """Return the share of rows that count, among some of them."""
        among = np.ones(len(counted), bool) if among is None else among
        return self.ratio((counted & among).astype(float), among.astype(float))

    def ratio(self, above: Floats, below: Floats) -> Measure:
        """Return the quotient of two sums."""
        if not below.sum():
            return Measure(None)
        tops, bottoms = (self._weights @ self._by_customer(each) for each in (above, below))
        drawn = tops[bottoms > 0] / bottoms[bottoms > 0]
        return _with_interval(float(above.sum() / below.sum()), drawn)

    def figure(self, of: Callable[[Floats], float | None], rows: int) -> Measure:
        """Return a figure that is worked out from the weight of each row."""
        value = of(np.ones(rows))
        if value is None:
            return Measure(None)
        drawn = [of(weights[self._codes]) for weights in self._weights]
        return _with_interval(float(value), np.array([each for each in drawn if each is not None]))

    def _by_customer(self, rows: Floats) -> Floats:
        return np.bincount(self._codes, weights=rows, minlength=self._weights.shape[1]).astype(float)


def _with_interval(value: float, drawn: Floats) -> Measure:
    if not len(drawn):
        return Measure(value)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Measure(value, float(low), float(high))


def auc(risk: Floats, churned: Flags, weights: Floats | None = None) -> float | None:
    """Return how often who churned has a higher risk than who stayed; None without a pair.

    Ties count half.
    """
    weights = np.ones(len(risk)) if weights is None else weights
    values, codes = np.unique(risk, return_inverse=True)
    left = np.bincount(codes, weights=weights * churned, minlength=len(values))
    stayed = np.bincount(codes, weights=weights * ~churned, minlength=len(values))
    pairs = left.sum() * stayed.sum()
    if not pairs:
        return None
    below = np.cumsum(stayed) - stayed
    return float((left * (below + stayed / 2)).sum() / pairs)


def brier(probability: Floats, churned: Flags, weights: Floats | None = None) -> float:
    """Return the mean squared difference between probability and outcome."""
    return float(np.average((probability - churned) ** 2, weights=weights))


def brier_skill(probability: Floats, churned: Flags, weights: Floats | None = None) -> float | None:
    """Return how much better than the base rate the probabilities are: 1 is perfect, 0 no better."""
    rate = np.average(churned, weights=weights)
    plain = rate * (1 - rate)
    return None if not plain else float(1 - brier(probability, churned, weights) / plain)


def calibration_error(probability: Floats, churned: Flags) -> float:
    """Return the mean distance between probability and outcome over bins of equal count."""
    order = np.argsort(probability, kind="stable")
    total = 0.0
    for rows in np.array_split(order, BINS):
        if len(rows):
            total += len(rows) * abs(float(probability[rows].mean()) - float(churned[rows].mean()))
    return total / len(order)


def calibration_floor(probability: Floats) -> float:
    """Return the calibration error that a perfect model of these probabilities has by chance."""
    draw = np.random.default_rng(SEED)
    errors = [calibration_error(probability, draw.random(len(probability)) < probability) for _ in range(FLOOR_DRAWS)]
    return float(np.mean(errors))


def lowest_tenth(score: Floats) -> Flags:
    """Mark the tenth of the rows with the lowest scores."""
    chosen = np.zeros(len(score), bool)
    chosen[np.argsort(score, kind="stable")[: max(1, len(score) // 10)]] = True
    return chosen
