"""How models are trained, when their scores are shown, and when they are looked at again."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Count, Days, Rules, Share

Index = Annotated[float, Field(gt=0)]


class Icp(Rules):
    """How the ideal customer is found: among whom, and how far small groups are drawn to the mean."""

    prior_companies: Count = 20
    least_companies: Count = 5
    churn_days: Days = 365
    most_technologies: Count = 30


class Intelligence(Rules):
    """Models that are trained each month."""

    train_back_days: Days = 720
    train_days_apart: Days = 30
    vouched_columns: tuple[str, ...] = ()
    explained_customers: Count = 200
    most_train_rows: Count = 400_000
    lead_horizon_days: Days = 90
    confirming_months: Count = 1
    least_auc: Share = 0.6
    least_lift: Index = 1.5
    least_days_ahead: Days = 14
    max_calibration_gap: Share = 0.05
    drift_warn: Index = 0.1
    drift_fail: Index = 0.25
    icp: Icp = Icp()
