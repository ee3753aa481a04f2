"""What the scores of unseen rows are worth: figures with intervals, and whether there is a signal at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gtm_platform.health import backtest_measures as measures
from gtm_platform.health.backtest_measures import Measure

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

Verdict = Literal["signal", "no signal", "too little data"]

ROUNDS, SEED = 1000, 20
MOST_DRAWN = 20_000_000  # rows times rounds
MIN_EVENTS, MIN_ROWS = 30, 200


@dataclass(frozen=True)
class Bin:
    """Rows with like scores: what was said of them, and what came."""

    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True)
class Figures:
    """How good scores of unseen rows are."""

    rows: int
    events: int
    auc: Measure
    brier: float
    brier_of_base_rate: float
    skill: Measure  # 1 − Brier / Brier of the base rate
    ece: float
    ece_floor: float  # what a perfect model has by chance
    lift: float  # of the tenth with the highest scores
    bins: tuple[Bin, ...]

    @property
    def base_rate(self) -> float:
        """The share of rows with the event."""
        return self.events / self.rows if self.rows else 0.0

    @property
    def verdict(self) -> Verdict:
        """Whether ranking and probabilities are both better than chance."""
        lows = (self.auc.low, self.skill.low)
        return (
            "signal" if lows[0] is not None and lows[1] is not None and lows[0] > 0.5 and lows[1] > 0 else "no signal"
        )


def is_too_little(labels: Flags, tested: Flags | None = None) -> bool:
    """Whether there is too little data to judge by: of the event, of its absence, or at all.

    Where rows are split into earlier and later ones, those that are `tested` have to be half as many.
    """
    if tested is not None:
        return is_too_little(labels[~tested]) or _is_less(labels[tested], MIN_ROWS // 2, MIN_EVENTS // 2)
    return _is_less(labels, MIN_ROWS, MIN_EVENTS)


def _is_less(labels: Flags, rows: int, events: int) -> bool:
    return len(labels) < rows or min(int(labels.sum()), int((~labels).sum())) < events


def figures_of(scores: Floats, labels: Flags, subjects: Ints | None = None, rounds: int = ROUNDS) -> Figures:
    """Measure scores of unseen rows."""
    auc, skill = _intervals(scores, labels, subjects, rounds)
    rate = float(labels.mean())
    highest = np.argsort(-scores, kind="stable")[: max(1, len(scores) // 10)]
    return Figures(
        rows=len(labels),
        events=int(labels.sum()),
        auc=auc,
        brier=measures.brier(scores, labels),
        brier_of_base_rate=rate * (1 - rate),
        skill=skill,
        ece=measures.calibration_error(scores, labels),
        ece_floor=measures.calibration_floor(scores),
        lift=float(labels[highest].mean()) / rate if rate else 0.0,
        bins=tuple(_bins(scores, labels)),
    )


def _bins(scores: Floats, labels: Flags) -> Sequence[Bin]:
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, measures.BINS) if len(part)]
    return [Bin(len(part), float(scores[part].mean()), float(labels[part].mean())) for part in parts]


def _intervals(scores: Floats, labels: Flags, subjects: Ints | None, rounds: int) -> tuple[Measure, Measure]:
    """Return AUC and skill with intervals over resampled rows, those about somebody together."""
    order = np.argsort(scores, kind="stable")
    ranked, events = scores[order], labels[order].astype(float)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(ranked) > 0]))
    owner = np.arange(len(order)) if subjects is None else np.unique(subjects[order], return_inverse=True)[1]
    count, missed = int(owner.max()) + 1, (ranked - events) ** 2
    draw = np.random.default_rng(SEED)
    rounds = max(100, min(rounds, MOST_DRAWN // len(order)))
    drawn = []
    for _ in range(rounds):
        weights = np.bincount(draw.integers(0, count, count), minlength=count).astype(float)[owner]
        drawn.append(_auc_and_skill(weights, events, missed, starts))
    auc, skill = _auc_and_skill(np.ones(len(order)), events, missed, starts)
    lows, highs = np.nanquantile(np.array(drawn), (0.025, 0.975), axis=0)
    return Measure(auc, float(lows[0]), float(highs[0])), Measure(skill, float(lows[1]), float(highs[1]))


def _auc_and_skill(weights: Floats, events: Floats, missed: Floats, starts: Ints) -> tuple[float, float]:
    happened = np.add.reduceat(weights * events, starts)
    not_happened = np.add.reduceat(weights * (1 - events), starts)
    pairs = happened.sum() * not_happened.sum()
    if not pairs:
        return np.nan, np.nan
    below = np.cumsum(not_happened) - not_happened / 2
    total = weights.sum()
    rate = happened.sum() / total
    return float((happened * below).sum() / pairs), float(1 - (weights @ missed) / (total * rate * (1 - rate)))
