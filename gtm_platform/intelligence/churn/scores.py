"""`intelligence/churn_scores`: how likely each paying customer is to churn within 90 days, and why."""

from datetime import date

import ibis
import pyarrow as pa

from gtm_platform.intelligence.churn.model import MODEL
from gtm_platform.intelligence.models.scores import scored_day, scores_contract, scores_inputs
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.policy import Policy

CONTRACT = scores_contract(
    MODEL,
    "Probability of each paying customer to churn within 90 days, with reasons that add up; in shadow until a "
    "later month confirmed the model.",
)


def table(features: ibis.Table, models: ibis.Table, policy: Policy, day: date) -> pa.Table:
    """Return a row per customer in scope; none without a model of before the day."""
    return scored_day(MODEL, CONTRACT, features, models, policy, day)


TABLE = DailyTable("intelligence/churn_scores", CONTRACT, scores_inputs(MODEL), table, eager=True)
