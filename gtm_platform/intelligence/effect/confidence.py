"""An interval for a difference of means that holds at every look, however often somebody looks.

It is the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit
theory and asymptotic confidence sequences" (Annals of Statistics, 2024), of the augmented inverse-probability-weighted
differences of customers, in the order in which their outcomes came. The chance of being withheld is known, and what
adjusts a customer was learned of customers before it, so that each difference has the true one as its mean.
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FIRST_BLOCK = 20  # customers before anything is adjusted; each further block is as long as all before
RIDGE = 1.0  # holds the adjustment back while it has few customers to learn of


@dataclass(frozen=True)
class Interval:
    """A difference (treated less withheld), and where it lies at every look at once."""

    difference: float
    low: float
    high: float
    deviation: float  # of one customer's difference

    @property
    def holds_nothing(self) -> bool:
        """Whether no difference at all lies in it."""
        return self.low <= 0 <= self.high


def always_valid(differences: Array, confidence: float, tuned_for: int) -> Interval:
    """Return the interval of the mean of differences; it is narrowest after `tuned_for` of them."""
    mean, deviation = float(differences.mean()), float(differences.std())
    width = deviation * half_width(len(differences), confidence, tuned_for)
    return Interval(mean, mean - width, mean + width, deviation)


def half_width(customers: int, confidence: float, tuned_for: int) -> float:
    """Return half of the interval's width after so many customers, as a multiple of their deviation."""
    alpha = 1 - confidence
    rho2 = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / tuned_for
    spread = customers * rho2 + 1
    return sqrt(2 * spread / (customers**2 * rho2) * log(sqrt(spread) / alpha))


def differences(outcome: Array, treated: npt.NDArray[np.bool_], about: Array, share: float) -> Array:
    """Return each customer's difference, in the order in which outcomes came.

    `about` has what was known of each when it entered. Their mean is the estimate. What a customer would have come
    to in either group is foretold by a regression on the customers of the blocks before it.
    """
    count = len(outcome)
    foretold = np.zeros((2, count))  # withheld, treated
    begin, end = FIRST_BLOCK, 2 * FIRST_BLOCK
    while begin < count:
        place = slice(begin, min(end, count))
        foretold[:, place] = _foretold(outcome[:begin], treated[:begin], about[:begin], about[place])
        begin, end = end, 2 * end
    withheld, treat = foretold
    shown = treated.astype(float)
    return treat - withheld + shown * (outcome - treat) / (1 - share) - (1 - shown) * (outcome - withheld) / share


def _foretold(outcome: Array, treated: npt.NDArray[np.bool_], about: Array, of: Array) -> Array:
    """Return what customers would come to, withheld and treated, by a ridge regression on earlier ones."""
    centre, scale = about.mean(axis=0), about.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    columns = np.column_stack([np.ones(len(outcome)), treated.astype(float), (about - centre) / scale])
    penalty = RIDGE * np.eye(columns.shape[1])
    penalty[0, 0] = 0.0
    weights = np.linalg.solve(columns.T @ columns + penalty, columns.T @ outcome)
    base = weights[0] + ((of - centre) / scale) @ weights[2:]
    return np.vstack([base, base + weights[1]])
