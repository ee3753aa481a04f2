"""Daily scores by the newest model that could be had on the day, with reasons that add up."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa

from gtm_platform.intelligence.models import registry
from gtm_platform.intelligence.models.monthly import MonthlyModel
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import EarlierDays
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

if TYPE_CHECKING:
    from gtm_platform.intelligence.scoring.features import Feature
    from gtm_platform.intelligence.scoring.scorecard import TrainedModel

UNREADABLE = "unreadable"
MODEL_DAYS = 400  # a model that is older is of another time
REASON = "array<struct<column: string, value: float64, text: string, log_odds: float64>>"


def scores_contract(model: MonthlyModel, about: str) -> Contract:
    """Return the contract of a model's daily scores."""
    return Contract(
        {
            model.subject: model.features.contract.columns[model.subject],
            "day": Column("date", "The day.", nullable=False),
            "score": Column(
                "float64",
                f"Probability of {model.about}; without a signal the base rate.",
                nullable=False,
                rule=lambda score: score.between(0, 1),
            ),
            "verdict": Column(
                "string", "What the model's test came to: signal, no signal; or unreadable.", nullable=False
            ),
            "stage": Column(
                "string", "shadow: the score is only kept; shown: later months confirmed it.", nullable=False
            ),
            "month": Column("date", f"The month of the model in {model.registry}.", nullable=False),
            "base_log_odds": Column(
                "float64", "Where all scores begin; with the reasons it adds up to the score's log-odds."
            ),
            "reasons": Column(
                REASON,
                "What each column adds in log-odds, the most first; of the highest scores only.",
            ),
        },
        key=(model.subject,),
        about=about,
        figures={
            "mean_score": lambda t: t["score"].mean(),
            "shown": lambda t: (t["stage"] == registry.SHOWN).sum(),
            "highest_score": lambda t: t["score"].max(),
        },
    )


def scores_inputs(model: MonthlyModel) -> dict[str, Any]:
    """Return what the scores of a day are made from."""
    return {
        "features": model.features.key,
        "models": EarlierDays(model.registry, MODEL_DAYS),
        "policy": current_policy,
    }


def scored_day(
    model: MonthlyModel, contract: Contract, features: ibis.Table, models: ibis.Table, policy: Policy, day: date
) -> pa.Table:
    """Return a row for everybody in scope; none without a model of before the day."""
    schema = contract.schema.to_pyarrow()
    rows = engine().to_pyarrow(models).to_pylist()
    month = registry.usable([row for row in rows if row["content"] is not None], day)
    if month is None:
        return pa.Table.from_pylist([], schema=schema)
    subjects = engine().to_pyarrow(features.filter(features["in_scope"]).order_by(model.subject))
    common = {"day": day, "verdict": month["verdict"], "stage": month["stage"], "month": month["month"]}
    scored = _base_rate(model, subjects, month)
    if month["verdict"] == "signal" and scored:
        try:
            trained = registry.unpacked(model, month)
            scored = _scored(model, subjects, trained, policy.intelligence.explained_customers)
        except registry.UnreadableModel:  # the check `readable` says so, and how it is mended
            common |= {"verdict": UNREADABLE, "stage": registry.SHADOW}
    return pa.Table.from_pylist([row | common for row in scored], schema=schema)


def _base_rate(model: MonthlyModel, subjects: pa.Table, month: Mapping[str, Any]) -> list[dict[str, Any]]:
    rate = {"score": month["base_rate"], "base_log_odds": None, "reasons": []}
    return [{model.subject: name, **rate} for name in subjects[model.subject].to_pylist()]


def _scored(model: MonthlyModel, subjects: pa.Table, trained: "TrainedModel", explained: int) -> list[dict[str, Any]]:
    matrix = trained.matrix(subjects.select(list(model.columns)).to_pandas())
    scores = trained.scores(matrix)
    highest = np.argsort(-scores, kind="stable")[:explained]
    why = trained.reasons(matrix[highest])
    reasons = {int(row): _reasons(trained.columns, matrix[row], why.parts[place]) for place, row in enumerate(highest)}
    return [
        {
            model.subject: name,
            "score": float(scores[row]),
            "base_log_odds": why.base if row in reasons else None,
            "reasons": reasons.get(row, []),
        }
        for row, name in enumerate(subjects[model.subject].to_pylist())
    ]


def _reasons(columns: "tuple[Feature, ...]", values: Any, parts: Any) -> list[dict[str, Any]]:
    order = np.argsort(-np.abs(parts), kind="stable")
    return [
        {"column": columns[place].name, **_stated(columns[place], values[place]), "log_odds": float(parts[place])}
        for place in order
    ]


def _stated(column: "Feature", value: float) -> dict[str, Any]:
    """Return a value as a number, or that of a category as its text."""
    if np.isnan(value):
        return {"value": None, "text": None}
    if column.kind != "category":
        return {"value": float(value), "text": None}
    return {"value": None, "text": column.levels[int(value)] if value >= 0 else "another"}
