"""Drift: how far the values of a column moved from those that a model was trained on (population stability index)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtm_platform.intelligence.scoring.features import Feature

Floats = NDArray[np.float64]

TENTHS = 10
LEAST_SHARE = 1e-3  # an empty bin counts as so much, or the index would be infinite


@dataclass(frozen=True)
class Spread:
    """The shares of the training rows' values in tenths, or of each code."""

    edges: tuple[float, ...]
    is_category: bool
    shares: tuple[float, ...]  # the last is of rows without a value

    def shares_of(self, values: Floats) -> Floats:
        """Return the share of values in each bin."""
        missing = np.isnan(values)
        edges = np.array(self.edges)
        places = np.searchsorted(edges, values[~missing], side="left" if self.is_category else "right")
        counts = np.bincount(places, minlength=len(edges) + 1)[: len(edges) + 1]
        return np.append(counts, missing.sum()) / max(1, len(values))


def spread_of(values: Floats, kind: str) -> Spread:
    """Return how values are spread."""
    filled = values[~np.isnan(values)]
    edges = np.unique(filled if kind == "category" else np.quantile(filled, np.linspace(0, 1, TENTHS + 1)[1:-1]))
    spread = Spread(tuple(map(float, edges)), kind == "category", ())
    return Spread(spread.edges, spread.is_category, tuple(map(float, spread.shares_of(values))))


def spreads_of(columns: Sequence[Feature], matrix: Floats) -> dict[str, Spread]:
    """Return how the values of each column are spread."""
    return {column.name: spread_of(matrix[:, place], column.kind) for place, column in enumerate(columns)}


def stability_index(spread: Spread, values: Floats) -> float:
    """Return Σ (now − then) · ln(now / then) over the bins."""
    then = np.maximum(np.array(spread.shares), LEAST_SHARE)
    now = np.maximum(spread.shares_of(values), LEAST_SHARE)
    return float(((now - then) * np.log(now / then)).sum())


def drift_of(spreads: Mapping[str, Spread], columns: Sequence[Feature], matrix: Floats) -> dict[str, float]:
    """Return the index of each column."""
    return {
        column.name: stability_index(spreads[column.name], matrix[:, place]) for place, column in enumerate(columns)
    }
