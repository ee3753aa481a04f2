"""The training of a month: learn of earlier days, test on the month's first day, then learn of that day, too.

Features of a day and what came in the 90 days after it: what a model is tested on, it cannot have seen.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gtm_platform.health.backtest_history import HORIZON
from gtm_platform.intelligence.churn import registry
from gtm_platform.intelligence.churn.features import FEATURES
from gtm_platform.intelligence.churn.labels import days_to_learn, labelled
from gtm_platform.intelligence.scoring.drift import drift_of
from gtm_platform.intelligence.scoring.features import Features, features_of
from gtm_platform.intelligence.scoring.leaks import find_leaks
from gtm_platform.intelligence.scoring.scorecard import Flags, TrainedModel, train
from gtm_platform.intelligence.scoring.verdicts import Figures, figures_of, is_too_little
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy

SAMPLE = 200  # customers by which it is measured what matters


@dataclass(frozen=True)
class Trained:
    """What came of a month's training."""

    figures: Figures | None
    drift: Mapping[str, float]
    leaks: Mapping[str, str]
    tested: TrainedModel | None
    final: TrainedModel | None  # learned of the tested day, too


def train_month(lake: Lake, month: date, policy: Policy) -> Mapping[str, Any]:
    """Train and test a month's model; return its row of the registry."""
    rules = policy.intelligence
    days = days_to_learn(lake, month, rules.train_days_apart, rules.train_back_days)
    rows = labelled(lake, days)
    is_test = np.array([day == days[0] for day in rows["day"].to_pylist()], bool)
    churned = np.array(rows["churned"].to_pylist(), bool)
    trained = trained_on(rows, churned, is_test, rules.vouched_columns)
    verdict = "too little data" if trained.figures is None else trained.figures.verdict
    return {
        "month": month,
        "tested_on": days[0],
        "available_on": days[0] + timedelta(days=HORIZON),
        "trained_from": days[-1],
        "trained_until": days[1],
        "rows": int((~is_test).sum()),
        "events": int(churned[~is_test].sum()),
        "test_rows": int(is_test.sum()),
        "test_events": int(churned[is_test].sum()),
        "verdict": verdict,
        "stage": stage(verdict, month, earlier_months(lake, month), rules.confirming_months),
        "model": trained.final.name if trained.final else None,
        **registry.figure_columns(trained.figures, trained.drift),
        "importance": json.dumps(_importance(trained.final, rows)),
        "leaks": json.dumps(dict(trained.leaks)),
        "policy_hash": policy.hash,
        "code_version": code_version(),
        "library": registry.library(),
        "content": registry.packed(trained.final),
    }


def trained_on(rows: pa.Table, churned: Flags, is_test: Flags, vouched: Sequence[str] = ()) -> Trained:
    """Train on the earlier rows, test on the others, and train again on all."""
    frame = rows.select(list(FEATURES)).to_pandas()
    customers = pd.factorize(np.array(rows["customer_id"].to_pylist(), dtype=object))[0].astype(np.int64)
    earlier = replace(features_of(frame.loc[~is_test]), subjects=customers[~is_test])
    if is_too_little(churned, is_test):
        return Trained(None, {}, {}, None, None)
    leaks = find_leaks(earlier, churned[~is_test], vouched)
    earlier = earlier.without(list(leaks))
    _, tested, _ = train(earlier, churned[~is_test])
    matrix = tested.matrix(frame.loc[is_test])
    figures = figures_of(tested.scores(matrix), churned[is_test])
    drift = drift_of(tested.spreads, tested.columns, matrix)
    every = Features(tested.columns, tested.matrix(frame), subjects=customers)
    return Trained(figures, drift, leaks, tested, train(every, churned)[1])


def stage(verdict: str, month: date, earlier: Sequence[Mapping[str, Any]], confirming: int) -> str:
    """Return shown where this month had a signal and so many months before it had one, else shadow."""
    before = sorted((row for row in earlier if row["month"] < month), key=lambda row: row["month"], reverse=True)
    confirmed = [row["verdict"] == "signal" for row in before[:confirming]]
    return (
        registry.SHOWN if verdict == "signal" and len(confirmed) == confirming and all(confirmed) else registry.SHADOW
    )


def earlier_months(lake: Lake, month: date) -> list[dict[str, Any]]:
    """Return [month, verdict] of the months before one in the registry."""
    made = [name for name in lake.partitions(registry.REGISTRY) if name < str(month)]
    rows: list[dict[str, Any]] = []
    for name in made:
        rows += lake.partition(registry.REGISTRY, name).select("month", "verdict").to_pyarrow().to_pylist()
    return rows


def code_version() -> str:
    """Identify the code that models are made by."""
    rooms = (files("gtm_platform.intelligence.scoring"), files("gtm_platform.intelligence.learning"))
    texts = sorted(file.read_text() for room in rooms for file in room.iterdir() if file.name.endswith(".py"))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _importance(model: TrainedModel | None, rows: pa.Table) -> dict[str, float]:
    """Return how far each column moves a score on average, the furthest first."""
    if model is None:
        return {}
    matrix = model.matrix(rows.select(list(FEATURES)).to_pandas())
    sample = matrix[np.linspace(0, len(matrix) - 1, min(SAMPLE, len(matrix))).astype(int)]
    moves = np.abs(model.reasons(sample).parts).mean(axis=0)
    names = [column.name for column in model.columns]
    return {names[place]: round(float(moves[place]), 4) for place in np.argsort(-moves, kind="stable")}
