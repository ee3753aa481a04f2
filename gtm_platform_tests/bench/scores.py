"""Whether scores can be believed: a planted signal beside the best that can be; how often chance is a signal."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification

from gtm_platform.health.backtest_measures import auc
from gtm_platform.intelligence.scoring.scorecard import Scorecard, score_table
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.intelligence.planted import chance, signal, with_leaks

SEEDS, NOISE_TABLES = 5, 40


def measure(effort: Effort) -> Iterator[Row]:
    """Score planted tables and public ones."""
    rows = effort.of(5000, 400)
    for seed in range(effort.of(SEEDS, 1)):
        planted = signal(rows, seed + 100)
        card = score_table(with_leaks(planted.frame, seed), "left")
        best = auc(planted.truth, card.outcome.labels) or 0.5
        yield Row(f"signal, seed {seed}: best AUC that can be", "", best)
        yield Row(f"signal, seed {seed}: AUC below it", "", best - _auc(card), Target("≤", 0.02))
        yield Row(f"signal, seed {seed}: ECE", "", _ece(card), None, "a perfect model", _floor(card))
        yield Row(f"signal, seed {seed}: leaks of 5 named", "columns", len(card.leaks), Target("≥", 5))
    tables = effort.of(NOISE_TABLES, 3)
    false = sum(
        score_table(chance(250 + 40 * seed, seed, rate=0.15 + 0.01 * (seed % 30)), "left").verdict == "signal"
        for seed in range(tables)
    )
    yield Row("chance: counted as signal", "share", false / tables, Target("≤", 0.05))
    for name, frame in _public():
        card = score_table(frame, "target")
        yield Row(f"{name}: AUC", "", _auc(card), None, "with what looks like a leak", card.auc_with_leaks)
        yield Row(f"{name}: ECE", "", _ece(card), None, "a perfect model", _floor(card))


def _public() -> Iterator[tuple[str, pd.DataFrame]]:
    yield "breast cancer", load_breast_cancer(as_frame=True).frame
    diabetes = load_diabetes(as_frame=True).frame
    yield "diabetes above the median", diabetes.assign(target=diabetes["target"] > diabetes["target"].median())
    columns, labels = make_classification(5000, 20, n_informative=8, flip_y=0.05, class_sep=0.8, random_state=1)
    yield "make_classification", pd.DataFrame(columns).add_prefix("x").assign(target=np.asarray(labels))


def _auc(card: Scorecard) -> float:
    return (card.figures.auc.value if card.figures else None) or 0.5


def _ece(card: Scorecard) -> float:
    return card.figures.ece if card.figures else 1.0


def _floor(card: Scorecard) -> float:
    return card.figures.ece_floor if card.figures else 0.0


FIGURE = Figure("scores", "AUC within 0.02 of the best possible; ≤ 5 % of noise counts as signal", measure)
