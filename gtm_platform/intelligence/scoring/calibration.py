"""Calibration: from a model's scores to probabilities that come true as often as they say.

Beta calibration: a logistic on ln p and −ln(1 − p). Where one of the two weights is negative, a higher score could
become a lower probability; then a logistic on the log-odds, and the base rate where that falls, too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtm_platform.intelligence.scoring.models import EDGE, folds, log_odds, probability

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

FOLDS, SEED = 10, 7


@dataclass(frozen=True)
class Calibration:
    """a · ln p − b · ln(1 − p) + c, the log-odds of the probability."""

    a: float
    b: float
    c: float

    def log_odds(self, odds: Floats) -> Floats:
        """Return the calibrated log-odds of a model's log-odds."""
        clipped = np.clip(probability(odds), EDGE, 1 - EDGE)
        return np.asarray(self.a * np.log(clipped) - self.b * np.log(1 - clipped) + self.c, dtype=float)

    def __call__(self, scores: Floats) -> Floats:
        """Return the probabilities of a model's scores."""
        return probability(self.log_odds(log_odds(scores)))


def calibrate(scores: Floats, labels: Flags) -> Calibration:
    """Fit a calibration on scores that a model gave to rows that it did not see."""
    clipped = np.clip(scores, EDGE, 1 - EDGE)
    (a, b), c = _fitted(np.column_stack([np.log(clipped), -np.log(1 - clipped)]), labels)
    if a >= 0 and b >= 0:
        return Calibration(a, b, c)
    (slope,), c = _fitted(log_odds(scores)[:, None], labels)
    if slope >= 0:
        return Calibration(slope, slope, c)
    return Calibration(0.0, 0.0, float(log_odds(labels.mean())))


def _fitted(columns: Floats, labels: Flags) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(columns, labels)
    return fitted.coef_[0], float(fitted.intercept_[0])


def cross_calibrated(scores: Floats, labels: Flags, subjects: Ints | None = None) -> Floats:
    """Return probabilities by calibrations that did not see the row's outcome."""
    result = np.zeros(len(scores))
    for train, test in folds(labels, subjects, SEED, FOLDS):
        result[test] = calibrate(scores[train], labels[train])(scores[test])
    return result
