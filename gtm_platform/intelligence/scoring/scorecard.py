"""A table scored from beginning to end: leaks, models, calibration, verdict. What `gtm score` and the assets call."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gtm_platform.health.backtest_measures import auc
from gtm_platform.intelligence.scoring.calibration import Calibration, calibrate, cross_calibrated
from gtm_platform.intelligence.scoring.drift import Spread, spreads_of
from gtm_platform.intelligence.scoring.features import Feature, Features, encoded, features_of
from gtm_platform.intelligence.scoring.leaks import find_leaks
from gtm_platform.intelligence.scoring.models import (
    SMALL,
    Model,
    fit,
    log_loss,
    log_odds,
    out_of_fold,
    probability,
    unseen_odds,
)
from gtm_platform.intelligence.scoring.outcomes import Outcome, outcome_of
from gtm_platform.intelligence.scoring.reasons import Reasons, reasons_of, typical_rows
from gtm_platform.intelligence.scoring.values import as_days, as_numbers, as_texts, days_of
from gtm_platform.intelligence.scoring.verdicts import Figures, Verdict, figures_of, is_too_little

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

LATER_SHARE = 0.3  # of the rows, the latest, that a split by time tests on
FEWEST_TO_TRAIN = 10  # events, and rows without one: below, nothing can be fitted in folds


class NotScorable(ValueError):
    """A table cannot be scored; the message says what it lacks."""


@dataclass(frozen=True)
class TrainedModel:
    """A model with all that is needed to score rows of another table, and to explain them."""

    columns: tuple[Feature, ...]
    model: Model
    name: str
    calibration: Calibration
    typical: Floats
    spreads: Mapping[str, Spread]
    base_rate: float
    time: str | None = None  # the column from which dates count back

    def matrix(self, frame: "pd.DataFrame") -> Floats:
        """Return rows as the model takes them."""
        return encoded(frame, self.columns, _times(frame[self.time], self.time) if self.time else None)

    def scores(self, matrix: Floats) -> Floats:
        """Return the calibrated probability of each row."""
        return probability(self.calibration.log_odds(self.model.log_odds(matrix)))

    def reasons(self, matrix: Floats) -> Reasons:
        """Explain the scores of rows."""
        return reasons_of(self.model, self.calibration, self.typical, matrix)


@dataclass(frozen=True)
class Candidate:
    """A model that was tried, by its scores of unseen rows."""

    name: str
    log_loss: float
    auc: float


@dataclass(frozen=True)
class Scorecard:
    """What came of a table."""

    outcome: Outcome
    features: Features  # that were used
    leaks: Mapping[str, str]
    auc_with_leaks: float | None
    candidates: tuple[Candidate, ...]
    scores: Floats | None  # of unseen rows: of all rows out of fold, or of the later ones; None with too little data
    tested: Flags  # which rows with an outcome these are
    figures: Figures | None
    trained: TrainedModel | None
    split_at: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What the scores are worth."""
        return "too little data" if self.figures is None else self.figures.verdict

    def delivered(self) -> Floats:
        """Return the scores of the tested rows where there is a signal, else the base rate."""
        if self.scores is None or self.verdict != "signal":
            return np.full(int(self.tested.sum()), float(self.outcome.labels.mean()) if len(self.tested) else 0.0)
        return self.scores


def score_table(
    frame: "pd.DataFrame", target: str, *, time: str | None = None, keep: Collection[str] = ()
) -> Scorecard:
    """Score the rows of a table for an outcome; with `time`, test on the later rows."""
    target, time, keep = _columns_of(frame, target, time, keep)
    outcome = outcome_of(frame[target], target)
    with_outcome = frame.loc[outcome.known_rows].reset_index(drop=True)
    times = _times(with_outcome[time], time) if time else None
    features = features_of(with_outcome.drop(columns=[target, *([time] if time else [])]), times)
    labels = outcome.labels
    if min(labels.sum(), (~labels).sum()) < FEWEST_TO_TRAIN:
        return _too_little(outcome, features)
    leaks = find_leaks(features, labels, keep, times)
    with_leaks = auc_with(features, labels) if leaks else None
    usable = features.without(list(leaks))
    if not usable.columns:
        raise NotScorable(_nothing_left(leaks, usable.left_out))
    if times is not None:
        return _by_time(outcome, usable, leaks, with_leaks, times, str(time))
    if is_too_little(labels):
        return _too_little(outcome, usable, leaks, with_leaks)
    candidates, trained, probabilities = train(usable, labels)
    figures = figures_of(probabilities, labels, usable.subjects)
    tested = np.ones(len(labels), bool)
    return Scorecard(outcome, usable, leaks, with_leaks, candidates, probabilities, tested, figures, trained)


def train(features: Features, labels: Flags) -> tuple[tuple[Candidate, ...], TrainedModel, Floats]:
    """Fit the model with the lowest log loss on unseen rows; return its calibrated scores of these, too."""
    scores = out_of_fold(features, labels)
    calibrated = {name: cross_calibrated(each, labels, features.subjects) for name, each in scores.items()}
    candidates = tuple(
        Candidate(name, log_loss(labels, calibrated[name]), auc(each, labels) or 0.5) for name, each in scores.items()
    )
    best = min(candidates, key=lambda candidate: candidate.log_loss).name
    model = fit(best, features, labels)
    typical = features.matrix[typical_rows(log_odds(scores[best]))]
    trained = TrainedModel(
        columns=features.columns,
        model=model,
        name=best,
        calibration=calibrate(scores[best], labels),
        typical=typical,
        spreads=spreads_of(features.columns, features.matrix),
        base_rate=float(labels.mean()),
    )
    return candidates, trained, calibrated[best]


def auc_with(features: Features, labels: Flags) -> float:
    """Return the AUC of unseen rows with every column, leaks and all."""
    return auc(unseen_odds(SMALL, features, labels), labels) or 0.5


def _by_time(
    outcome: Outcome,
    features: Features,
    leaks: Mapping[str, str],
    with_leaks: float | None,
    times: Floats,
    time: str,
) -> Scorecard:
    """Train on the earlier rows, and test on the later ones."""
    labels, later = outcome.labels, _later(times, time)
    earlier = ~later
    # Those who were there before may come again: that is no leak when time has passed.
    if is_too_little(labels, later):
        return _too_little(outcome, features, leaks, with_leaks)
    candidates, trained, _ = train(features.rows(earlier), labels[earlier])
    trained = replace(trained, time=time)
    scores = trained.scores(features.matrix[later])
    subjects = None if features.subjects is None else features.subjects[later]
    figures = figures_of(scores, labels[later], subjects)
    split = f"{time} up to {_moment(times[earlier].max())}, tested on those after"
    return Scorecard(outcome, features, leaks, with_leaks, candidates, scores, later, figures, trained, split)


def _nothing_left(leaks: Mapping[str, str], left_out: Mapping[str, str]) -> str:
    """Return why there is no column to score by, and what can be done."""
    if leaks:
        named = "; ".join(f"{name}: {why}" for name, why in leaks.items())
        return f"Every column may hold the outcome. Vouch with --keep for those that were known before it. {named}."
    named = "; ".join(f"{name}: {why}" for name, why in left_out.items()) or "there is only the target"
    return f"There is no column to score by. {named}."


def _later(times: Floats, time: str) -> Flags:
    """Return the rows after the moment that leaves nearest to the share of later rows."""
    moments, counts = np.unique(times, return_counts=True)
    if len(moments) == 1:
        raise NotScorable(f"Column {time!r} has the same time in every row: they cannot be split by it.")
    after = 1 - np.cumsum(counts)[:-1] / len(times)
    return np.asarray(times > moments[np.argmin(np.abs(after - LATER_SHARE))], dtype=bool)


def _moment(days: float) -> str:
    return str(np.datetime64(0, "D") + int(days)) if days > 3000 else f"{days:g}"


def _too_little(
    outcome: Outcome, features: Features, leaks: Mapping[str, str] | None = None, with_leaks: float | None = None
) -> Scorecard:
    tested = np.ones(len(outcome.labels), bool)
    return Scorecard(outcome, features, leaks or {}, with_leaks, (), None, tested, None, None)


def _times(column: "pd.Series[Any]", name: str) -> Floats:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        times = days_of(column)
    else:
        texts = as_texts(column)
        parsed = as_days(texts)
        parsed = parsed if parsed is not None else as_numbers(texts)
        if parsed is None:
            raise NotScorable(f"Column {name!r} holds no dates or numbers, such as 2026-11-20. --time needs them.")
        times = parsed
    if times.isna().any():
        raise NotScorable(
            f"Column {name!r} has no date in {int(times.isna().sum())} rows. --time needs one in each: leave these out."
        )
    values: Floats = times.to_numpy(dtype=float)
    return values


def _columns_of(
    frame: "pd.DataFrame", target: str, time: str | None, keep: Collection[str]
) -> tuple[str, str | None, list[str]]:
    """Return the names as the table spells them."""
    exact = {str(name): str(name) for name in frame.columns}
    folded = {str(name).strip().lower(): str(name) for name in frame.columns} | exact

    def spelt(name: str) -> str:
        try:
            return folded[name] if name in folded else folded[name.strip().lower()]
        except KeyError:
            raise NotScorable(f"There is no column {name!r}. The columns are: {', '.join(exact)}.") from None

    return spelt(target), spelt(time) if time else None, [spelt(name) for name in keep]
