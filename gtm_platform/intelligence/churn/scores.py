"""`intelligence/churn_scores`: how likely each paying customer is to churn within 90 days, and why."""

import math
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa

from gtm_platform.intelligence.churn import registry
from gtm_platform.intelligence.churn.features import FEATURES, GROUP
from gtm_platform.intelligence.churn.features import TABLE as FEATURE_TABLE
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, EarlierDays
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

if TYPE_CHECKING:
    from gtm_platform.intelligence.scoring.scorecard import TrainedModel

UNREADABLE = "unreadable"
MODEL_DAYS = 400  # a model that is older is of another time
REASON = "array<struct<column: string, value: float64, log_odds: float64>>"

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "day": Column("date", "The day.", nullable=False),
        "score": Column(
            "float64",
            "Probability of churning within 90 days; without a signal the base rate.",
            nullable=False,
            rule=lambda score: score.between(0, 1),
        ),
        "verdict": Column("string", "What the model's test came to: signal, no signal; or unreadable.", nullable=False),
        "stage": Column("string", "shadow: the score is only kept; shown: later months confirmed it.", nullable=False),
        "month": Column("date", "The month of the model in intelligence/churn_model.", nullable=False),
        "base_log_odds": Column(
            "float64", "Where all scores begin; with the reasons it adds up to the score's log-odds."
        ),
        "delivered_risk": Column(
            "int64",
            "The score in whole percent where it is shown and the model has a signal: what churn_risk becomes, where "
            "the policy says so. Else null.",
            rule=lambda risk: risk.between(0, 100),
        ),
        "reasons": Column(REASON, "What each column adds in log-odds, the most first; of the highest scores only."),
    },
    key=("customer_id",),
    about="Probability of each paying customer to churn within 90 days, with reasons that add up; in shadow until a "
    "later month confirmed the model.",
    figures={
        "mean_score": lambda t: t["score"].mean(),
        "shown": lambda t: (t["stage"] == registry.SHOWN).sum(),
        "highest_score": lambda t: t["score"].max(),
    },
)


def table(features: ibis.Table, models: ibis.Table, policy: Policy, day: date) -> pa.Table:
    """Return a row per customer in scope; none without a model of before the day."""
    months = engine().to_pyarrow(models).to_pylist()
    model = registry.usable([row for row in months if row["content"] is not None], day)
    if model is None:
        return pa.Table.from_pylist([], schema=CONTRACT.schema.to_pyarrow())
    customers = engine().to_pyarrow(features.filter(features["in_scope"]).order_by("customer_id"))
    common = {"day": day, "verdict": model["verdict"], "stage": model["stage"], "month": model["month"]}
    scored = _base_rate(customers, model)
    if model["verdict"] == "signal" and scored:
        try:
            scored = _scored(customers, registry.unpacked(model), policy.intelligence.explained_customers)
        except registry.UnreadableModel:  # the check `readable` says so, and how it is mended
            common |= {"verdict": UNREADABLE, "stage": registry.SHADOW}
    delivers = common["verdict"] == "signal" and common["stage"] == registry.SHOWN
    rows = [row | common | {"delivered_risk": whole_percent(row["score"]) if delivers else None} for row in scored]
    return pa.Table.from_pylist(rows, schema=CONTRACT.schema.to_pyarrow())


def whole_percent(score: float) -> int:
    """Return a probability in whole percent, half rounded up, as other risks are."""
    return min(100, math.floor(round(score * 100, 9) + 0.5))


def _base_rate(customers: pa.Table, model: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = customers["customer_id"].to_pylist()
    return [{"customer_id": name, "score": model["base_rate"], "base_log_odds": None, "reasons": []} for name in names]


def _scored(customers: pa.Table, trained: "TrainedModel", explained: int) -> list[dict[str, Any]]:
    names = customers["customer_id"].to_pylist()
    matrix = trained.matrix(customers.select(list(FEATURES)).to_pandas())
    scores = trained.scores(matrix)
    highest = np.argsort(-scores, kind="stable")[:explained]
    why = trained.reasons(matrix[highest])
    reasons: dict[int, list[dict[str, Any]]] = {}
    for place, row in enumerate(highest):
        order = np.argsort(-np.abs(why.parts[place]), kind="stable")
        reasons[int(row)] = [
            {
                "column": trained.columns[column].name,
                "value": None if np.isnan(matrix[row, column]) else float(matrix[row, column]),
                "log_odds": float(why.parts[place, column]),
            }
            for column in order
        ]
    return [
        {
            "customer_id": name,
            "score": float(scores[row]),
            "base_log_odds": why.base if row in reasons else None,
            "reasons": reasons.get(row, []),
        }
        for row, name in enumerate(names)
    ]


TABLE = DailyTable(
    "intelligence/churn_scores",
    CONTRACT,
    inputs={
        "features": FEATURE_TABLE.key,
        "models": EarlierDays(registry.REGISTRY, MODEL_DAYS),
        "policy": current_policy,
    },
    rule=table,
    eager=True,
    group=GROUP,
)
