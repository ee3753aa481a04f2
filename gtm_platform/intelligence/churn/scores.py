"""`intelligence/churn_scores`: how likely each paying customer is to churn within 90 days, and why."""

import math
from dataclasses import replace
from datetime import date

import ibis
import pyarrow as pa

from gtm_platform.intelligence.churn.features import GROUP
from gtm_platform.intelligence.churn.model import MODEL
from gtm_platform.intelligence.models.registry import SHOWN
from gtm_platform.intelligence.models.scores import scored_day, scores_contract, scores_inputs
from gtm_platform.lake.contracts import Column
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.policy import Policy

SCORES = scores_contract(
    MODEL,
    "Probability of each paying customer to churn within 90 days, with reasons that add up; in shadow until a "
    "later month confirmed the model.",
)
DELIVERED = Column(
    "int64",
    "The score in whole percent where it is shown and the model has a signal: what churn_risk becomes, where the "
    "policy says so. Else null.",
    rule=lambda risk: risk.between(0, 100),
)
CONTRACT = replace(SCORES, columns={**SCORES.columns, "delivered_risk": DELIVERED})


def table(features: ibis.Table, models: ibis.Table, policy: Policy, day: date) -> pa.Table:
    """Return a row per customer in scope; none without a model of before the day."""
    scored = scored_day(MODEL, SCORES, features, models, policy, day)
    delivers = [row["verdict"] == "signal" and row["stage"] == SHOWN for row in scored.to_pylist()]
    risks = [
        whole_percent(score) if is_delivered else None
        for score, is_delivered in zip(scored["score"].to_pylist(), delivers, strict=True)
    ]
    return scored.append_column("delivered_risk", pa.array(risks, "int64"))


def whole_percent(score: float) -> int:
    """Return a probability in whole percent, half rounded up, as other risks are."""
    return min(100, math.floor(round(score * 100, 9) + 0.5))


TABLE = DailyTable("intelligence/churn_scores", CONTRACT, scores_inputs(MODEL), table, eager=True, group=GROUP)
