"""How many customers there are, and what they pay."""

import ibis

from gtm_platform.serving.metrics.metric import CURRENT, Metric


def _mrr(t: ibis.Table) -> ibis.Value:
    return t["mrr_reporting"].fill_null(0)


METRICS = (
    Metric(
        "customers",
        "Customers",
        "customers",
        "count of current customers",
        "Trial, active, past due, paused or leaving.",
        CURRENT,
        lambda t: t.count(),
        good="rise",
    ),
    Metric(
        "mrr",
        "MRR",
        "money",
        "sum of the MRR of current customers",
        "Monthly recurring revenue in the reporting currency; a currency without a rate counts as nothing.",
        CURRENT,
        lambda t: _mrr(t).sum(),
        good="rise",
        decimals=2,
    ),
    Metric(
        "paying_customers",
        "Paying customers",
        "customers",
        "count of current customers with MRR above 0",
        "Trials and what is paused without revenue are left out.",
        CURRENT,
        lambda t: (_mrr(t) > 0).sum().fill_null(0),
        good="rise",
    ),
    Metric(
        "mrr_per_customer",
        "MRR per paying customer",
        "money",
        "MRR of current customers ÷ current customers with MRR above 0",
        "In the reporting currency; no value where nobody pays.",
        CURRENT,
        lambda t: _mrr(t).sum().cast("float64") / (_mrr(t) > 0).sum().nullif(0),
        good="rise",
        decimals=2,
    ),
    Metric(
        "payment_overdue",
        "Payment overdue",
        "customers",
        "count of current customers with a payment past due",
        "Marked delinquent, or a subscription or an invoice is past due.",
        CURRENT,
        lambda t: t["is_delinquent"].fill_null(False).sum().fill_null(0),
        good="fall",
    ),
)
