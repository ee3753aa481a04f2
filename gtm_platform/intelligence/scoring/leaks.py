"""Leaks: columns that hold the outcome, or are filled in with it. Each is named with its reason."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from gtm_platform.health.backtest_measures import auc
from gtm_platform.intelligence.scoring.features import Feature, Features
from gtm_platform.intelligence.scoring.models import folds
from gtm_platform.intelligence.scoring.names import is_later, may_be_later

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

TELLING_AUC = 0.9  # of a column alone
PERHAPS_AUC = 0.7  # of a column whose name may tell a later state
PURE = 0.9
COVERED = 0.1  # share of the rows whose value tells the outcome
FEWEST, FEWEST_SHARE = 30, 0.005
EXACT, APART = 0.02, 0.2
ALWAYS, OF_ROWS = 0.98, 0.01  # a value that nearly always has the rarer outcome, and the rows it has to have
QUANTILES = 20
DRAWN = 10.0  # rows by which a value's rate is drawn to the mean
AFTER = 0.01  # share of the rows with a time stamp after their as-of day


def find_leaks(
    features: Features, labels: Flags, keep: Collection[str] = (), times: Floats | None = None
) -> dict[str, str]:
    """Return each column that may hold the outcome with the reason, except those of `keep`."""
    reasons: dict[str, str] = {}
    vouched = {name.lower() for name in keep}
    cut = folds(labels, None, 0)
    for place, feature in enumerate(features.columns):
        if feature.name.lower() in vouched:
            continue
        if why := _reasons(feature, features.matrix[:, place], labels, cut, has_times=times is not None):
            reasons[feature.name] = "; ".join(why)
    return reasons


def _reasons(
    feature: Feature, values: Floats, labels: Flags, cut: Sequence[tuple[Ints, Ints]], *, has_times: bool
) -> list[str]:
    groups = _groups(feature, values)
    alone = auc_alone(groups, labels, cut)
    why = []
    if alone >= TELLING_AUC:
        why.append(f"alone it tells the outcome (AUC {alone:.2f})")
    if feature.kind == "category" and (share := _telling_share(groups, labels)) >= COVERED:
        why.append(f"its values tell the outcome of {share:.0%} of the rows")
    elif feature.kind == "category" and (level := _telling_level(feature, groups, labels)) is not None:
        why.append(f"its value {level!r} nearly always has the rarer outcome")
    if _filled_with_outcome(np.isnan(values), labels):
        why.append("it is filled in only with one outcome")
    if is_later(feature.name):
        why.append("by its name it is known only afterwards")
    elif may_be_later(feature.name) and alone >= PERHAPS_AUC:
        why.append(f"by its name it may be known only afterwards, and it tells much (AUC {alone:.2f})")
    if has_times and feature.kind == "date" and np.mean(values < 0) > AFTER:
        why.append(f"{np.mean(values < 0):.0%} of its dates are after the time of their row")
    return why


def _groups(feature: Feature, values: Floats) -> Ints:
    """Return a code for each row: of a value, or of a number's quantile; 0 for null."""
    missing = np.isnan(values)
    if feature.kind == "category":
        return np.where(missing, 0, np.where(missing, 0, values) + 1).astype(np.int64)
    edges = np.unique(np.quantile(values[~missing], np.linspace(0, 1, QUANTILES + 1)[1:-1]))
    # Each edge has a group of its own: where many rows have the same number, it is not mixed with those above it.
    left = np.searchsorted(edges, values, side="left") + np.searchsorted(edges, values, side="right")
    return np.where(missing, 0, left + 1).astype(np.int64)


def auc_alone(groups: Ints, labels: Flags, cut: Sequence[tuple[Ints, Ints]]) -> float:
    """Return the AUC of a column alone: by the rate of its values among other rows."""
    size = int(groups.max()) + 1
    scores = np.zeros(len(labels))
    for train, test in cut:
        rate = labels[train].mean()
        counts = np.bincount(groups[train], minlength=size)
        events = np.bincount(groups[train], weights=labels[train], minlength=size)
        scores[test] = ((events + DRAWN * rate) / (counts + DRAWN))[groups[test]]
    return auc(scores, labels) or 0.5


def _telling_share(groups: Ints, labels: Flags) -> float:
    """Return the share of rows whose value tells the outcome, if values tell both outcomes."""
    counts = np.bincount(groups)
    rates = np.bincount(groups, weights=labels) / np.maximum(counts, 1)
    frequent = counts >= max(FEWEST, FEWEST_SHARE * len(labels))
    always, never = frequent & (rates >= PURE), frequent & (rates <= 1 - PURE)
    return float(counts[always | never].sum() / len(labels)) if always.any() and never.any() else 0.0


def _telling_level(feature: Feature, groups: Ints, labels: Flags) -> str | None:
    """Return a value of a category whose rows nearly all have the outcome that most others have not."""
    rare = labels if labels.mean() <= 0.5 else ~labels
    counts = np.bincount(groups, minlength=len(feature.levels) + 1)
    rates = np.bincount(groups, weights=rare, minlength=len(counts)) / np.maximum(counts, 1)
    telling = np.flatnonzero((counts >= max(FEWEST, OF_ROWS * len(labels))) & (rates >= ALWAYS))
    telling = telling[telling > 0]
    return feature.levels[telling[0] - 1] if len(telling) else None


def _filled_with_outcome(missing: Flags, labels: Flags) -> bool:
    if not FEWEST <= missing.sum() <= len(labels) - FEWEST:
        return False
    without, with_value = labels[missing].mean(), labels[~missing].mean()
    exact = min(without, 1 - without, with_value, 1 - with_value) <= EXACT
    return bool(exact and abs(without - with_value) > APART)
