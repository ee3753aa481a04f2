"""Whether health and alerts work: what the newest back-test measured, and how useful readers found alerts."""

from collections.abc import Callable

import ibis

from gtm_platform.delivery.track_record import BACKTEST, PRECISION
from gtm_platform.health.backtest import EARLY
from gtm_platform.health.backtest_history import HORIZON
from gtm_platform.lake.contracts import contract_of
from gtm_platform.serving.metrics.metric import Days, Metric, Population, Trend, Unit

LONGEST = 190  # days since the first of the newest month that is tested: 90 that have to be over, and a test left out
ALERT_DAYS = 30
OF_TEST, OF_ALERTS = ("measure", "value"), ("kind", "sent", "useful", "not_useful")

TESTED = Population(
    "backtest",
    "The newest back-test of health up to the day, by the rules that made its newest scores.",
    f"""select {", ".join(OF_TEST)} from {{tests}} where month = (select max(month) from {{tests}})
        qualify tested_until = max(tested_until) over ()""",
    {name: contract_of(BACKTEST).columns[name] for name in OF_TEST},
    {"tests": Days(BACKTEST, LONGEST, since=True, may_be_missing=True)},
    {},
)
SENT = Population(
    f"alerts_{ALERT_DAYS}d",
    f"The alerts about customers of {ALERT_DAYS} days, by their kind.",
    f"select {', '.join(OF_ALERTS)} from {{sent}}",
    {name: contract_of(PRECISION).columns[name] for name in OF_ALERTS},
    {"sent": Days(PRECISION, ALERT_DAYS, since=True, may_be_missing=True)},
    {"alert_kind": "kind"},
)


def _measured(measure: str) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: t["value"].max(where=t["measure"] == measure)


# Name, title, unit, formula, what is good, decimals, and the measure of the back-test.
SHAPES: tuple[tuple[str, str, Unit, str, Trend | None, int, str], ...] = (
    (
        "at_risk_precision",
        "Precision of at-risk",
        "share",
        f"customers that were not healthy on the first of a month and churned within {HORIZON} days ÷ all that were "
        "not healthy",
        "rise",
        3,
        "precision_at_risk",
    ),
    (
        "churn_base_rate",
        "Base rate of churn",
        "share",
        f"customers that churned within {HORIZON} days of the first of a month ÷ all",
        None,
        3,
        "base_rate",
    ),
    (
        "churns_flagged_early",
        f"Churns flagged {EARLY} days ahead",
        "share",
        f"churns of customers that were not healthy {EARLY} to {HORIZON} days before ÷ all churns",
        "rise",
        3,
        f"flagged_{EARLY}_days_ahead",
    ),
    (
        "green_at_churn",
        "Healthy at churn",
        "share",
        "churns of customers that were healthy on the last day before ÷ all churns",
        "fall",
        3,
        "green_at_churn",
    ),
    (
        "median_days_ahead",
        "Days ahead",
        "days",
        "median of the days from the first flag to the churn, of churns that were flagged",
        "rise",
        0,
        "median_days_ahead",
    ),
    (
        "missed_churns",
        "Missed churns",
        "customers",
        "count of churns of customers that were healthy to the end, or flagged too late",
        "fall",
        0,
        "count_missed",
    ),
)
METRICS = (
    *(
        Metric(
            name,
            title,
            unit,
            formula,
            "By the newest monthly back-test; no value before the first.",
            TESTED,
            _measured(measure),
            good,
            decimals,
        )
        for name, title, unit, formula, good, decimals, measure in SHAPES
    ),
    Metric(
        f"alerts_sent_{ALERT_DAYS}d",
        f"Alerts sent, {ALERT_DAYS} days",
        "alerts",
        f"count of alerts about customers that were sent, of {ALERT_DAYS} days",
        "By themselves or in a digest.",
        SENT,
        lambda t: t["sent"].sum().fill_null(0),
    ),
    Metric(
        f"alert_precision_{ALERT_DAYS}d",
        f"Useful alerts, {ALERT_DAYS} days",
        "share",
        f"alerts that their readers found useful ÷ those that they judged, of {ALERT_DAYS} days",
        "Readers judge with a reaction in Slack; a tie is not useful. No value where nobody judged.",
        SENT,
        lambda t: (
            t["useful"].sum().cast("float64") / (t["useful"].sum() + t["not_useful"].sum()).cast("float64").nullif(0)
        ),
        "rise",
        3,
    ),
)
