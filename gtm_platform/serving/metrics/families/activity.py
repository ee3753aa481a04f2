"""Meetings with customers and answers to them in the last days."""

from collections.abc import Callable

import ibis

from gtm_platform.intelligence.activity.activity_by_manager import CONTRACT, TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

COUNTED = ("customers", "customers_met", "written", "answered", "answered_quickly")

OF_MANAGERS = Population(
    "activity_by_manager",
    "The account managers, with what their customers got in the policy's last days.",
    f"select account_manager, {', '.join(COUNTED)} from {{managers}}",
    {name: CONTRACT.columns[name] for name in ("account_manager", *COUNTED)},
    {"day": TODAY, "managers": Days(TABLE.key, may_be_missing=True)},
    {"account_manager": "account_manager"},
)


def _share(part: str, whole: str) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: t[part].sum().cast("float64") / t[whole].sum().cast("float64").nullif(0)


METRICS = (
    Metric(
        "customers_met",
        "Customers met",
        "share",
        "current customers with a meeting in the policy's last days ÷ current customers",
        "Meetings that took place, of those that were booked or are in the CRM's log.",
        OF_MANAGERS,
        _share("customers_met", "customers"),
        "rise",
        3,
    ),
    Metric(
        "answered_quickly",
        "Answered quickly",
        "share",
        "e-mails and messages of customers that were answered within the policy's hours ÷ all of theirs",
        "Whoever of us answered; what waits still is not answered quickly.",
        OF_MANAGERS,
        _share("answered_quickly", "written"),
        "rise",
        3,
    ),
)
