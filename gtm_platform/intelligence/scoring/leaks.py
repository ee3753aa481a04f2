"""Leaks: columns that hold the outcome, or are filled in with it. Each is named with its reason.

A column that tells the outcome alone is none where the other columns together tell it as well: a company that is large
has many seats, many logins and many tickets. What holds the outcome stands out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtm_platform.health.backtest_measures import auc
from gtm_platform.intelligence.scoring.features import Feature, Features
from gtm_platform.intelligence.scoring.models import SMALL, folds, unseen_odds
from gtm_platform.intelligence.scoring.names import is_later, may_be_later

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

TELLING_AUC = 0.9  # of a column alone
STANDS_OUT = 0.06  # AUC by which a number that tells alone has to tell more than all others together
CERTAIN_AUC = 0.995  # that nothing honest has
MANY_VALUES, MANY_LEVELS = 20, 5  # different ones, below which a column may be a copy of the outcome with some errors
MOST_JUDGED = 5_000  # rows that the others are fitted on
PERHAPS_AUC = 0.7  # of a column whose name may tell a later state
PURE = 0.9
COVERED = 0.1  # share of the rows whose value tells the outcome
FEWEST, FEWEST_SHARE = 30, 0.005
EXACT, APART = 0.02, 0.2
ALWAYS, OF_ROWS = 0.98, 0.01  # a value that nearly always has the rarer outcome, and the rows it has to have
QUANTILES = 20
DRAWN = 10.0  # rows by which a value's rate is drawn to the mean
AFTER = 0.01  # share of the rows with a time stamp after their as-of day


@dataclass(frozen=True)
class Suspicion:
    """Why a column may hold the outcome."""

    reasons: tuple[str, ...]
    alone: float  # its AUC
    is_by_telling: bool  # that it tells the outcome is all there is against it


def find_leaks(
    features: Features, labels: Flags, keep: Collection[str] = (), times: Floats | None = None
) -> dict[str, str]:
    """Return each column that may hold the outcome with the reason, except those of `keep`."""
    vouched = {name.lower() for name in keep}
    cut = folds(labels, None, 0)
    suspicions: dict[str, Suspicion] = {}
    for place, feature in enumerate(features.columns):
        if feature.name.lower() in vouched:
            continue
        suspicion = _suspicion(feature, features.matrix[:, place], labels, cut, has_times=times is not None)
        if suspicion.reasons:
            suspicions[feature.name] = suspicion
    stand_out = _standing_out(features, labels, suspicions)
    return {name: "; ".join(each.reasons) for name, each in suspicions.items() if name in stand_out}


def _standing_out(features: Features, labels: Flags, suspicions: dict[str, Suspicion]) -> set[str]:
    """Return the suspicious columns but those that tell no more than all that are above suspicion do together."""
    perhaps = {
        name for name, each in suspicions.items() if each.is_by_telling and _may_be_honest(features, name, each.alone)
    }
    rest = features.without(list(suspicions))
    if not perhaps or not rest.columns:
        return set(suspicions)
    together = _auc_of(rest, labels)
    kinds = {column.name: column.kind for column in features.columns}
    margin = {name: 0.0 if kinds[name] == "category" else STANDS_OUT for name in perhaps}
    return {name for name in suspicions if name not in perhaps or suspicions[name].alone > together + margin[name]}


def _may_be_honest(features: Features, name: str, alone: float) -> bool:
    """Whether a column has more values than a copy of the outcome would have."""
    place = features.names.index(name)
    values = features.matrix[:, place]
    least = MANY_LEVELS if features.columns[place].kind == "category" else MANY_VALUES
    return alone < CERTAIN_AUC and len(np.unique(values[~np.isnan(values)])) >= least


def _auc_of(features: Features, labels: Flags) -> float:
    """Return the AUC that some columns have together, of rows that were not trained on."""
    step = max(1, len(labels) // MOST_JUDGED)
    some = np.arange(0, len(labels), step)
    rows, events = features.rows(some), labels[some]
    return auc(unseen_odds(SMALL, rows, events), events) or 0.5


def _suspicion(
    feature: Feature, values: Floats, labels: Flags, cut: Sequence[tuple[Ints, Ints]], *, has_times: bool
) -> Suspicion:
    groups = _groups(feature, values)
    alone = auc_alone(groups, labels, cut)
    telling, why = [], []
    if alone >= TELLING_AUC:
        telling.append(f"alone it tells the outcome (AUC {alone:.2f})")
    if feature.kind == "category" and (share := _telling_share(groups, labels)) >= COVERED:
        telling.append(f"its values tell the outcome of {share:.0%} of the rows")
    elif feature.kind == "category" and (level := _telling_level(feature, groups, labels)) is not None:
        telling.append(f"its value {level!r} nearly always has the rarer outcome")
    if _filled_with_outcome(np.isnan(values), labels):
        why.append("it is filled in only with one outcome")
    if is_later(feature.name):
        why.append("by its name it is known only afterwards")
    elif may_be_later(feature.name) and alone >= PERHAPS_AUC:
        why.append(f"by its name it may be known only afterwards, and it tells much (AUC {alone:.2f})")
    if has_times and feature.kind == "date" and np.mean(values < 0) > AFTER:
        why.append(f"{np.mean(values < 0):.0%} of its dates are after the time of their row")
    return Suspicion((*telling, *why), alone, not why)


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
