"""The training of a month: learn of earlier days, test on the month's first day, then learn of that day, too.

Features of a day and what came within the horizon after it: what a model is tested on, it cannot have seen.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gtm_platform.intelligence.models import registry
from gtm_platform.intelligence.models.monthly import HAPPENED_ON, OUTCOME, MonthlyModel, days_to_learn
from gtm_platform.intelligence.scoring.drift import drift_of
from gtm_platform.intelligence.scoring.features import Features, features_of
from gtm_platform.intelligence.scoring.leaks import find_leaks
from gtm_platform.intelligence.scoring.scorecard import Flags, Floats, TrainedModel, train
from gtm_platform.intelligence.scoring.verdicts import Figures, figures_of, is_too_little
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy

SAMPLE = 200  # rows by which it is measured what matters
PLACES = 10_000  # into which those whom rows are about are sorted


@dataclass(frozen=True)
class Trained:
    """What came of a month's training."""

    figures: Figures | None
    drift: Mapping[str, float]
    leaks: Mapping[str, str]
    tested: TrainedModel | None
    final: TrainedModel | None  # learned of the tested day, too
    scores: Floats | None = None  # of those tested


def train_month(model: MonthlyModel, lake: Lake, month: date, policy: Policy) -> Mapping[str, Any]:
    """Train and test a month's model; return its row of the registry."""
    rules = policy.intelligence
    days = days_to_learn(model, lake, month, policy)
    rows = few_enough(model.outcomes(lake, days, policy), model.subject, rules.most_train_rows)
    is_test = np.array([day == days[0] for day in rows["day"].to_pylist()], bool)
    happened = np.array(rows[OUTCOME].to_pylist(), bool)
    trained = trained_on(model, rows, is_test, rules.vouched_columns)
    verdict = "too little data" if trained.figures is None else trained.figures.verdict
    return {
        "month": month,
        "tested_on": days[0],
        "available_on": days[0] + model.within(policy),
        "trained_from": days[-1],
        "trained_until": days[1],
        "rows": int((~is_test).sum()),
        "events": int(happened[~is_test].sum()),
        "test_rows": int(is_test.sum()),
        "test_events": int(happened[is_test].sum()),
        "verdict": verdict,
        "stage": stage(verdict, month, earlier_months(model, lake, month), rules.confirming_months),
        "model": trained.final.name if trained.final else None,
        **registry.figure_columns(trained.figures, trained.drift),
        "days_ahead": None if trained.scores is None else days_ahead(rows.filter(pa.array(is_test)), trained.scores),
        "importance": json.dumps(_importance(trained.final, rows.select(list(model.columns)))),
        "leaks": json.dumps(dict(trained.leaks)),
        "policy_hash": policy.hash,
        "code_version": code_version(),
        "library": registry.library(),
        "content": registry.packed(trained.final),
    }


def few_enough(rows: pa.Table, subject: str, most: int) -> pa.Table:
    """Return all rows of a share of those whom they are about, the same ones each month."""
    if len(rows) <= most:
        return rows
    names = rows[subject].to_pylist()
    share = most / len(names) * PLACES
    kept = [int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % PLACES < share for name in names]
    return rows.filter(pa.array(kept))


def trained_on(model: MonthlyModel, rows: pa.Table, is_test: Flags, vouched: Sequence[str] = ()) -> Trained:
    """Train on the earlier rows, test on the others, and train again on all."""
    frame = rows.select(list(model.columns)).to_pandas()
    happened = np.array(rows[OUTCOME].to_pylist(), bool)
    subjects = pd.factorize(np.array(rows[model.subject].to_pylist(), dtype=object))[0].astype(np.int64)
    if is_too_little(happened, is_test):
        return Trained(None, {}, {}, None, None)
    earlier = replace(features_of(frame.loc[~is_test]), subjects=subjects[~is_test])
    leaks = find_leaks(earlier, happened[~is_test], vouched)
    earlier = earlier.without(list(leaks))
    if not earlier.columns:
        return Trained(None, {}, leaks, None, None)
    _, tested, _ = train(earlier, happened[~is_test])
    matrix = tested.matrix(frame.loc[is_test])
    scores = tested.scores(matrix)
    figures = figures_of(scores, happened[is_test])
    drift = drift_of(tested.spreads, tested.columns, matrix)
    every = Features(tested.columns, tested.matrix(frame), subjects=subjects)
    return Trained(figures, drift, leaks, tested, train(every, happened)[1], scores)


def days_ahead(rows: pa.Table, scores: Floats) -> float | None:
    """Return the median of days to the event of the tenth with the highest scores; None without one."""
    highest = np.argsort(-scores, kind="stable")[: max(1, len(scores) // 10)]
    happened_on, tested_on = rows[HAPPENED_ON].to_pylist(), rows["day"].to_pylist()
    days = [(happened_on[row] - tested_on[row]).days for row in highest if happened_on[row]]
    return float(np.median(days)) if days else None


def stage(verdict: str, month: date, earlier: Sequence[Mapping[str, Any]], confirming: int) -> str:
    """Return shown where this month had a signal and so many months before it had one, else shadow."""
    before = sorted((row for row in earlier if row["month"] < month), key=lambda row: row["month"], reverse=True)
    confirmed = [row["verdict"] == "signal" for row in before[:confirming]]
    return (
        registry.SHOWN if verdict == "signal" and len(confirmed) == confirming and all(confirmed) else registry.SHADOW
    )


def earlier_months(model: MonthlyModel, lake: Lake, month: date) -> list[dict[str, Any]]:
    """Return [month, verdict] of the months before one in the registry."""
    made = [name for name in lake.partitions(model.registry) if name < str(month)]
    rows: list[dict[str, Any]] = []
    for name in made:
        rows += lake.partition(model.registry, name).select("month", "verdict").to_pyarrow().to_pylist()
    return rows


def code_version() -> str:
    """Identify the code that models are made by."""
    rooms = (files("gtm_platform.intelligence.scoring"), files("gtm_platform.intelligence.learning"))
    texts = sorted(file.read_text() for room in rooms for file in room.iterdir() if file.name.endswith(".py"))
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _importance(trained: TrainedModel | None, rows: pa.Table) -> dict[str, float]:
    """Return how far each column moves a score on average, the furthest first."""
    if trained is None:
        return {}
    matrix = trained.matrix(rows.to_pandas())
    sample = matrix[np.linspace(0, len(matrix) - 1, min(SAMPLE, len(matrix))).astype(int)]
    moves = np.abs(trained.reasons(sample).parts).mean(axis=0)
    names = [column.name for column in trained.columns]
    return {names[place]: round(float(moves[place]), 4) for place in np.argsort(-moves, kind="stable")}
