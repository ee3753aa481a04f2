"""The models: a logistic, small and large boosted trees, and means of them; scores of rows that were not trained on.

scikit-learn is imported when a model is fitted: whoever only reads scores does without it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtm_platform.health.backtest_measures import auc
from gtm_platform.intelligence.scoring.encoding import Encoding, learn
from gtm_platform.intelligence.scoring.features import Features

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

FOLDS, SEEDS = 5, 3
MANY_ROWS = 20_000  # above, a second and third way to cut the folds change nothing
FEWEST_FOR_LARGE = 1000  # rows
FEWEST_COLUMNS, ROWS_A_COLUMN = 15, 20  # that are looked at where there are more columns than the rows can tell apart
DRAWN = 10.0  # rows by which a value's rate is drawn to the mean
EDGE = 1e-6
LOGISTIC, SMALL, LARGE = "logistic", "small trees", "large trees"
# Each model that is tried, and the single ones whose log-odds it is the mean of.
CANDIDATES = {
    LOGISTIC: (LOGISTIC,),
    SMALL: (SMALL,),
    LARGE: (LARGE,),
    "logistic and small trees": (LOGISTIC, SMALL),
    "small and large trees": (SMALL, LARGE),
    "logistic, small and large trees": (LOGISTIC, SMALL, LARGE),
}
# Small trees find no pattern in a few hundred rows of noise; large ones see how many columns work together.
TREES: Mapping[str, Mapping[str, Any]] = {
    SMALL: {"learning_rate": 0.1, "max_iter": 150, "max_leaf_nodes": 6, "min_samples_leaf": 30, "max_features": 0.3},
    LARGE: {"learning_rate": 0.06, "max_iter": 400, "max_leaf_nodes": 31, "min_samples_leaf": 20, "max_features": 0.4},
}


def log_odds(probability: Floats) -> Floats:
    """Return ln(p / (1 − p))."""
    clipped = np.clip(probability, EDGE, 1 - EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=float)


def probability(odds: Floats) -> Floats:
    """Return the probability of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -700, 700))), dtype=float)


def log_loss(labels: Flags, scores: Floats) -> float:
    """Return the mean of −ln of the probability of what came."""
    clipped = np.clip(scores, EDGE, 1 - EDGE)
    return float(-np.where(labels, np.log(clipped), np.log(1 - clipped)).mean())


@dataclass(frozen=True)
class Logistic:
    """A linear model; its log-odds are a sum over the columns."""

    encoding: Encoding
    weights: tuple[Floats, ...]  # of each column
    constant: float

    def parts(self, matrix: Floats) -> Floats:
        """Return what each column adds to the log-odds of each row."""
        blocks = self.encoding.for_logistic(matrix)
        return np.column_stack([block @ weights for block, weights in zip(blocks, self.weights, strict=True)])

    def log_odds(self, matrix: Floats) -> Floats:
        """Return the log-odds of rows."""
        return np.asarray(self.parts(matrix).sum(axis=1) + self.constant, dtype=float)


@dataclass(frozen=True)
class Boosted:
    """Small boosted trees."""

    encoding: Encoding
    trees: Any

    def log_odds(self, matrix: Floats) -> Floats:
        """Return the log-odds of rows."""
        with one_thread():
            return log_odds(self.trees.predict_proba(self.encoding.for_trees(matrix))[:, 1])


@dataclass(frozen=True)
class Mean:
    """The mean of the log-odds of several models."""

    models: "tuple[Single, ...]"

    def log_odds(self, matrix: Floats) -> Floats:
        """Return the log-odds of rows."""
        return np.asarray(np.mean([model.log_odds(matrix) for model in self.models], axis=0), dtype=float)


@dataclass(frozen=True)
class Screened:
    """A model of some of the columns."""

    places: Ints
    model: Logistic | Boosted

    def log_odds(self, matrix: Floats) -> Floats:
        """Return the log-odds of rows."""
        return self.model.log_odds(matrix[:, self.places])


Single = Logistic | Boosted | Screened
Model = Single | Mean


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep small trees on one thread.

    On a machine that others use, threads wait for each other ten times as long as they work.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def fit_logistic(features: Features, labels: Flags) -> Logistic:
    """Fit a logistic regression that is drawn to zero."""
    from sklearn.linear_model import LogisticRegression

    encoding = learn(features.columns, features.matrix)
    blocks = encoding.for_logistic(features.matrix)
    edges = np.cumsum([block.shape[1] for block in blocks])[:-1]
    with one_thread():
        fitted = LogisticRegression(C=0.3, max_iter=3000).fit(np.hstack(blocks), labels)
    return Logistic(encoding, tuple(np.split(fitted.coef_[0], edges)), float(fitted.intercept_[0]))


def fit_trees(size: str, features: Features, labels: Flags) -> Boosted:
    """Fit boosted trees of a size."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    encoding = learn(features.columns, features.matrix)
    trees = HistGradientBoostingClassifier(
        **TREES[size],
        l2_regularization=5.0,
        categorical_features=encoding.categories,
        early_stopping=False,
        random_state=0,
    )
    with one_thread():
        return Boosted(encoding, trees.fit(encoding.for_trees(features.matrix), labels))


def fit(name: str, features: Features, labels: Flags) -> Model:
    """Fit a model by its name on all rows."""
    parts = tuple(_fit_single(part, features, labels) for part in CANDIDATES[name])
    return parts[0] if len(parts) == 1 else Mean(parts)


def _fit_single(name: str, features: Features, labels: Flags) -> Single:
    places = promising(features, labels)
    few = features if places is None else features.at_columns(places.tolist())
    model = fit_logistic(few, labels) if name == LOGISTIC else fit_trees(name, few, labels)
    return model if places is None else Screened(places, model)


def promising(features: Features, labels: Flags) -> Ints | None:
    """Return the columns that tell most alone, where there are too many; None where not.

    Among hundreds of columns of chance some fit any few hundred rows.
    """
    most = max(FEWEST_COLUMNS, len(labels) // ROWS_A_COLUMN)
    if len(features.columns) <= max(2 * FEWEST_COLUMNS, most):
        return None
    apart = [_apart(column.kind, features.matrix[:, place], labels) for place, column in enumerate(features.columns)]
    return np.sort(np.argsort(-np.array(apart), kind="stable")[:most])


def _apart(kind: str, values: Floats, labels: Flags) -> float:
    """Return how far a column alone is from chance, in AUC."""
    if kind == "category":
        codes = np.where(np.isnan(values), -1, values).astype(np.int64) + 1
        rate = labels.mean()
        events, counts = np.bincount(codes, weights=labels), np.bincount(codes)
        values = ((events + DRAWN * rate) / (counts + DRAWN))[codes]
    filled = ~np.isnan(values)
    return abs((auc(values[filled], labels[filled]) or 0.5) - 0.5) * float(filled.mean())


def out_of_fold(features: Features, labels: Flags) -> dict[str, Floats]:
    """Return the scores that each model gives to rows that it was not trained on."""
    several = SEEDS if len(labels) <= MANY_ROWS else 1
    seeds = {LOGISTIC: several, SMALL: several} | ({LARGE: 1} if len(labels) >= FEWEST_FOR_LARGE else {})
    single = {name: unseen_odds(name, features, labels, count) for name, count in seeds.items()}
    return {
        name: probability(np.mean([single[part] for part in parts], axis=0))
        for name, parts in CANDIDATES.items()
        if single.keys() >= set(parts)
    }


def unseen_odds(name: str, features: Features, labels: Flags, seeds: int = 1) -> Floats:
    """Return the log-odds of rows by a model that was not trained on them, a mean over some seeds."""
    odds = np.zeros(len(labels))
    for seed in range(seeds):
        for train, test in folds(labels, features.subjects, seed):
            fitted = _fit_single(name, features.rows(train), labels[train])
            odds[test] += fitted.log_odds(features.matrix[test]) / seeds
    return odds


def folds(labels: Flags, subjects: Ints | None, seed: int, count: int = FOLDS) -> Sequence[tuple[Ints, Ints]]:
    """Cut rows into folds with the same share of events; all rows about somebody are on one side."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if subjects is None:
        return list(StratifiedKFold(count, shuffle=True, random_state=seed).split(labels, labels))
    return list(StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(labels, labels, subjects))
