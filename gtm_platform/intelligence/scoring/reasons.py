"""Why a row has its score: what each column adds to the log-odds, so that the parts add up to the score exactly.

A typical row's values are replaced one by one by the row's, in several orders and their reverses; what a replacement
changes is the column's. This holds for any model, on the columns as they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtm_platform.intelligence.scoring.calibration import Calibration
from gtm_platform.intelligence.scoring.models import Mean, Model, Single, one_thread

Floats = NDArray[np.float64]

ORDERS, SEED = 8, 0
BLOCK = 200_000  # rows that are scored at once


@dataclass(frozen=True)
class Reasons:
    """What each column adds to the log-odds of each row, beside where all rows begin."""

    base: float
    parts: Floats  # row × column
    total: Floats  # base + the sum of the parts: the row's calibrated log-odds


def typical_rows(odds: Floats) -> NDArray[np.int64]:
    """Return the middle row of each eighth by score, for an order each."""
    order = np.argsort(odds, kind="stable")
    return np.array([part[len(part) // 2] for part in np.array_split(order, ORDERS) if len(part)], dtype=np.int64)


def reasons_of(model: Model, calibration: Calibration, typical: Floats, matrix: Floats) -> Reasons:
    """Explain the scores of rows, beginning at typical ones."""
    predicted = _Predictor(model, calibration)
    parts = np.zeros(matrix.shape)
    draw = np.random.default_rng(SEED)
    for start in typical:
        order = draw.permutation(matrix.shape[1])
        for each in (order, order[::-1]):
            parts += _changes(predicted, start, matrix, each)
    parts /= 2 * len(typical)
    base = float(np.mean(predicted(typical)))
    return Reasons(base, parts, base + parts.sum(axis=1))


def _changes(predicted: "_Predictor", start: Floats, matrix: Floats, order: NDArray[np.int64]) -> Floats:
    """Return how log-odds change when a row's values replace typical ones in an order."""
    result = np.zeros(matrix.shape)
    size = max(1, BLOCK // (matrix.shape[1] + 1))
    for first in range(0, len(matrix), size):
        rows = matrix[first : first + size]
        steps = np.broadcast_to(start, (matrix.shape[1] + 1, *rows.shape)).copy()
        for step, column in enumerate(order, start=1):
            steps[step:, :, column] = rows[:, column]
        odds = predicted(steps.reshape(-1, matrix.shape[1])).reshape(matrix.shape[1] + 1, len(rows))
        result[first : first + size, order] = np.diff(odds, axis=0).T
    return result


class _Predictor:
    """The calibrated log-odds of rows."""

    def __init__(self, model: Model, calibration: Calibration) -> None:
        self._models: tuple[Single, ...] = model.models if isinstance(model, Mean) else (model,)
        self._calibration = calibration

    def __call__(self, matrix: Floats) -> Floats:
        with one_thread():
            odds = np.mean([model.log_odds(matrix) for model in self._models], axis=0)
        return self._calibration.log_odds(odds)
