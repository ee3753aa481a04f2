"""What is retained in the current period, how forecasts err beside the naive ones, and how many may buy more."""

from collections.abc import Callable

import ibis

from gtm_platform.intelligence.expansion.expansion_opportunities import CONTRACT as OPPORTUNITY
from gtm_platform.intelligence.expansion.expansion_opportunities import TABLE as OPPORTUNITIES
from gtm_platform.intelligence.forecasts.pipeline_forecast import ALL
from gtm_platform.intelligence.forecasts.pipeline_forecast import TABLE as PIPELINE_FORECAST
from gtm_platform.intelligence.forecasts.revenue_forecast import TABLE as REVENUE_FORECAST
from gtm_platform.intelligence.movements.mrr_periods import CONTRACT as PERIOD
from gtm_platform.intelligence.movements.mrr_periods import TABLE as PERIODS
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.policy import OURS
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population

RETAINED, ERRORS, SIGN = ("nrr", "grr"), ("error", "naive_error"), ("company_id", "is_largest")

CURRENT_PERIOD = Population(
    "mrr_period",
    "The period of movements that the day is in, by our definition of MRR.",
    f"""select {", ".join(RETAINED)} from {{periods}} where mrr_policy = '{OURS}'
        qualify period_start = max(period_start) over ()""",
    {name: PERIOD.columns[name] for name in RETAINED},
    {"day": TODAY, "periods": Days(PERIODS.key, may_be_missing=True)},
    {},
)


def _errors_of(table: DailyTable, about: str, where: str = "true") -> Population:
    """Return the rows of a day's forecast, each with how far the same one was off in the past."""
    return Population(
        table.key.split("/")[1],
        about,
        f"select {', '.join(ERRORS)} from {{forecast}} where {where}",
        {name: table.contract.columns[name] for name in ERRORS},
        {"day": TODAY, "forecast": Days(table.key, may_be_missing=True)},
        {},
    )


OF_REVENUE = _errors_of(REVENUE_FORECAST, "The months of the day's forecast of revenue.")
OF_PIPELINE = _errors_of(
    PIPELINE_FORECAST, "The horizons of the day's forecast of the pipeline.", f"deal_group = '{ALL}'"
)
OF_OPPORTUNITIES = Population(
    "expansion_opportunities",
    "The signs of the day that paying companies may buy more.",
    f"select sign, {', '.join(SIGN)} from {{signs}}",
    {name: OPPORTUNITY.columns[name] for name in ("sign", *SIGN)},
    {"day": TODAY, "signs": Days(OPPORTUNITIES.key, may_be_missing=True)},
    {"sign": "sign"},
)


def _mean(column: str) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: t[column].mean()


ABOUT_PERIOD = "What another rate did to MRR is in. The period goes on until its last day."
ABOUT_ERROR = "In logarithms, so that 0.05 is about 5 %; by forecasts from earlier months or weeks of the same past."

METRICS = (
    Metric(
        "period_nrr",
        "NRR of the period",
        "share",
        "(opening + fx + expansion − contraction − churn) ÷ opening, in the policy's current period",
        ABOUT_PERIOD,
        CURRENT_PERIOD,
        lambda t: t["nrr"].max(),
        "rise",
        3,
    ),
    Metric(
        "period_grr",
        "GRR of the period",
        "share",
        "(opening + fx − contraction − churn) ÷ opening, in the policy's current period",
        ABOUT_PERIOD,
        CURRENT_PERIOD,
        lambda t: t["grr"].max(),
        "rise",
        3,
    ),
    *(
        Metric(
            f"{subject}_forecast_{name}",
            f"{title} of the {subject} forecast",
            "share",
            f"mean over horizons of the mean absolute error that {whose} had on the past",
            ABOUT_ERROR,
            over,
            _mean(column),
            "fall",
            3,
        )
        for subject, over in (("revenue", OF_REVENUE), ("pipeline", OF_PIPELINE))
        for name, title, whose, column in (
            ("error", "Error", "what is delivered", "error"),
            ("naive_error", "Naive error", "the naive forecast", "naive_error"),
        )
    ),
    Metric(
        "expansion_companies",
        "May buy more",
        "companies",
        "count of paying companies with a sign that they may buy more",
        "Signs are those of the policy: near the limits, new people, hiring.",
        OF_OPPORTUNITIES,
        lambda t: t["company_id"].nunique(),
        "rise",
    ),
)
