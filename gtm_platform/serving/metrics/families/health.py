"""How well customers do: scores, and what is at risk."""

import ibis

from gtm_platform.health.customer_health import NOT_AT_RISK
from gtm_platform.serving.metrics.metric import CURRENT, Metric


def _at_risk(t: ibis.Table) -> ibis.ir.BooleanValue:
    return (~t["health_status"].isin(NOT_AT_RISK)).fill_null(False)


METRICS = (
    Metric(
        "mean_health",
        "Mean health",
        "points",
        "mean of the health scores of current customers that have one",
        "0 to 100; every customer counts the same, whatever it pays.",
        CURRENT,
        lambda t: t["health_score"].mean(),
        good="rise",
        decimals=1,
    ),
    Metric(
        "at_risk",
        "At risk",
        "customers",
        "count of current customers whose health is not healthy",
        "At risk, high risk or critical.",
        CURRENT,
        lambda t: _at_risk(t).sum().fill_null(0),
        good="fall",
    ),
    Metric(
        "mrr_at_risk",
        "MRR at risk",
        "money",
        "sum of the MRR of current customers whose health is not healthy",
        "In the reporting currency.",
        CURRENT,
        lambda t: t["mrr_reporting"].sum(where=_at_risk(t)).fill_null(0),
        good="fall",
        decimals=2,
    ),
    Metric(
        "expected_mrr_loss",
        "Expected loss of MRR",
        "money",
        "sum of MRR × churn risk of current customers",
        "What churn within 90 days would cost on average, in the reporting currency.",
        CURRENT,
        lambda t: (t["mrr_reporting"].cast("float64") * t["churn_risk"] / 100).sum().fill_null(0),
        good="fall",
        decimals=2,
    ),
)
