"""How columns enter a model: for trees a number each, for the logistic one or several.

All of it is learned of the training rows alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtm_platform.intelligence.scoring.features import Feature

Floats = NDArray[np.float64]

RARE = 10  # rows; rarer values of a category count as one
MOST_LEVELS = 200  # of a category; trees take no more than 255
MOST_DISTINCT = 12  # of a number that also gets a column for each of its values
FURTHEST = 5.0  # standard deviations


@dataclass(frozen=True)
class ColumnEncoding:
    """What was learned of one column."""

    feature: Feature
    frequent: Floats  # codes of a category, or values of a number of few, that get a column of their own
    median: float
    knots: Floats  # deciles by which a number is straightened
    any_missing: bool

    def for_trees(self, values: Floats) -> Floats:
        """Return the column as trees take it: a category as the place among the frequent ones."""
        if self.feature.kind != "category":
            return values
        places = np.searchsorted(self.frequent, values)
        places = np.minimum(places, max(0, len(self.frequent) - 1))
        is_frequent = self.frequent[places] == values if len(self.frequent) else np.zeros(len(values), bool)
        codes = np.where(is_frequent, places, len(self.frequent)).astype(float)
        return np.where(np.isnan(values), np.nan, codes)

    def for_logistic(self, values: Floats) -> Floats:
        """Return the columns that a linear model takes for this one."""
        missing = np.isnan(values)
        parts = [(values[:, None] == self.frequent[None, :]).astype(float)] if len(self.frequent) else []
        if self.feature.kind != "category":
            filled = np.where(missing, self.median, values)
            parts = [self._straightened(filled), *parts]
        if self.any_missing:
            parts.append(missing[:, None].astype(float))
        return np.hstack(parts) if parts else np.zeros((len(values), 0))

    def _straightened(self, values: Floats) -> Floats:
        """Return a number in standard deviations, and as its rank among the training rows."""
        mean, deviation = self.knots[-2:]
        plain = np.clip((values - mean) / deviation, -FURTHEST, FURTHEST)
        ranks = np.interp(values, self.knots[:-2], np.linspace(-1, 1, len(self.knots) - 2))
        return np.column_stack([plain, ranks])


@dataclass(frozen=True)
class Encoding:
    """What was learned of all columns of some training rows."""

    columns: tuple[ColumnEncoding, ...]

    @property
    def categories(self) -> list[bool]:
        """Which of the trees' columns are categories."""
        return [column.feature.kind == "category" for column in self.columns]

    def for_trees(self, matrix: Floats) -> Floats:
        """Return rows as trees take them."""
        return np.column_stack([column.for_trees(matrix[:, place]) for place, column in enumerate(self.columns)])

    def for_logistic(self, matrix: Floats) -> list[Floats]:
        """Return for each column what a linear model takes for it."""
        return [column.for_logistic(matrix[:, place]) for place, column in enumerate(self.columns)]


def learn(features: Sequence[Feature], matrix: Floats) -> Encoding:
    """Learn the encoding of columns from training rows."""
    return Encoding(tuple(_learned(feature, matrix[:, place]) for place, feature in enumerate(features)))


def _learned(feature: Feature, values: Floats) -> ColumnEncoding:
    filled = values[~np.isnan(values)]
    missing = len(filled) < len(values)
    distinct, counts = np.unique(filled, return_counts=True)
    if feature.kind == "category":
        order = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
        frequent = np.sort(distinct[order][counts[order] >= RARE])
        return ColumnEncoding(feature, frequent, 0.0, np.empty(0), missing)
    few = distinct[counts >= RARE] if 2 < len(distinct) <= MOST_DISTINCT else np.empty(0)
    if not len(filled):
        filled = np.zeros(1)
    knots = np.unique(np.quantile(filled, np.linspace(0, 1, 21)))
    if len(knots) == 1:
        knots = np.array([knots[0], knots[0] + 1.0])
    deviation = float(filled.std()) or 1.0
    shape = np.concatenate([knots, [filled.mean(), deviation]])
    return ColumnEncoding(feature, few, float(np.median(filled)), shape, missing)
