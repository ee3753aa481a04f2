"""Calls with customers."""

import ibis

from gtm_platform.serving.metrics.metric import CURRENT, Metric


def _show_rate(t: ibis.Table) -> ibis.Scalar:
    calls = t["calls_held_90d"].sum()
    return calls.cast("float64") / (calls + t["calls_no_show_90d"].sum()).nullif(0)


METRICS = (
    Metric(
        "show_rate",
        "Show rate",
        "share",
        "calls held ÷ calls held or missed by the customer, in 90 days, of current customers",
        "No value where no source brings calls, or none took place.",
        CURRENT,
        _show_rate,
        good="rise",
        decimals=3,
    ),
)
