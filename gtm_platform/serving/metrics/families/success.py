"""What success is measured by, and what the newest experiment shows of churn."""

from collections.abc import Callable

import ibis

from gtm_platform.intelligence.effect.effect import CONTRACT as EFFECT
from gtm_platform.intelligence.effect.effect import TABLE as EFFECT_TABLE
from gtm_platform.intelligence.effect.success import CONTRACT as SUCCESS
from gtm_platform.intelligence.effect.success import TABLE as SUCCESS_TABLE
from gtm_platform.serving.metrics.metric import TODAY, Days, Metric, Population, Trend, Unit

OF_SUCCESS, OF_EFFECT = ("metric", "value"), ("outcome", "difference", "treated", "withheld")

MEASURED = Population(
    "success",
    "The metrics of success of the day, of which there is one row each.",
    f"select {', '.join(OF_SUCCESS)} from {{success}}",
    {name: SUCCESS.columns[name] for name in OF_SUCCESS},
    {"day": TODAY, "success": Days(SUCCESS_TABLE.key, may_be_missing=True)},
    {},
)
NEWEST = Population(
    "experiment",
    "The outcomes of the experiment that began last.",
    f"""select {", ".join(OF_EFFECT)} from {{effect}} where starts_on = (select max(starts_on) from {{effect}})""",
    {name: EFFECT.columns[name] for name in OF_EFFECT},
    {"day": TODAY, "effect": Days(EFFECT_TABLE.key, may_be_missing=True)},
    {},
)


def _value(name: str) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: t["value"].max(where=t["metric"] == name)


# Name of the metric of success, title, unit, formula, what is good, decimals.
SHAPES: tuple[tuple[str, str, Unit, str, Trend, int], ...] = (
    (
        "churn_rate",
        "Churn in 90 days",
        "share",
        "customers who paid 90 days ago and pay nothing now ÷ customers who paid 90 days ago",
        "fall",
        3,
    ),
    (
        "days_of_warning",
        "Days of warning",
        "days",
        "median of the days from the first flag to the churn, by the newest back-test known on the day",
        "rise",
        0,
    ),
    (
        "mrr_saved",
        "MRR saved",
        "money",
        "difference in MRR between treated and withheld customers of the newest experiment × treated customers",
        "rise",
        0,
    ),
    (
        "expansion_from_opportunities",
        "Expansion from opportunities",
        "money",
        "what companies pay more now that were listed 90 days ago as such that may buy more",
        "rise",
        0,
    ),
    (
        "manager_minutes",
        "Minutes saved in 30 days",
        "minutes",
        "alerts that were sent and values that were written in 30 days × the minutes that the policy says each saves",
        "rise",
        0,
    ),
    (
        "coverage",
        "Complete profiles",
        "share",
        "current customers whose completeness reaches that of the policy ÷ all current customers",
        "rise",
        3,
    ),
)
METRICS = (
    *(
        Metric(
            f"success_{name}",
            title,
            unit,
            formula,
            "No value where it is not measured.",
            MEASURED,
            _value(name),
            good,
            d,
        )
        for name, title, unit, formula, good, d in SHAPES
    ),
    Metric(
        "effect_on_churn",
        "Effect on churn",
        "share",
        "churn of treated customers − churn of withheld ones, in the experiment that began last, adjusted at entry",
        "No value before there are enough outcomes. Its interval is on the page Effect; below 0 is good.",
        NEWEST,
        lambda t: t["difference"].max(where=t["outcome"] == "churn"),
        "fall",
        3,
    ),
    Metric(
        "effect_outcomes",
        "Outcomes of the experiment",
        "customers",
        "count of customers of the experiment that began last whose outcome is known",
        "Treated and withheld ones.",
        NEWEST,
        lambda t: (t["treated"] + t["withheld"]).max(),
    ),
)
