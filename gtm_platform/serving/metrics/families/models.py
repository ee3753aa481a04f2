"""How good the newest model of churn is, by its test on customers of a later day."""

from collections.abc import Callable

import ibis

from gtm_platform.intelligence.churn.registry import CONTRACT, REGISTRY
from gtm_platform.serving.metrics.metric import Days, Metric, Population, Trend, Unit

LONGEST = 190  # days since the first of the newest month that is tested: 90 that have to be over, and a month left out
COLUMNS = ("auc", "skill", "ece")

NEWEST = Population(
    "churn_model",
    "The newest model of churn within 90 days that was tested.",
    f"select {', '.join(COLUMNS)} from {{months}} where month = (select max(month) from {{months}})",
    {name: CONTRACT.columns[name] for name in COLUMNS},
    {"months": Days(REGISTRY, LONGEST, since=True, may_be_missing=True)},
    {},
)


def _of(column: str) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: t[column].max()


SHAPES: tuple[tuple[str, str, str, Unit, str, Trend], ...] = (
    (
        "auc",
        "churn_model_auc",
        "AUC of the churn model",
        "share",
        "pairs of who churned and who stayed in which the first was ranked higher ÷ all pairs; half is chance",
        "rise",
    ),
    (
        "skill",
        "churn_model_skill",
        "Skill of the churn model",
        "share",
        "1 − Brier score of the model ÷ that of the base rate for everybody; 0 is no better",
        "rise",
    ),
    (
        "ece",
        "churn_model_ece",
        "Calibration error of the churn model",
        "share",
        "mean distance between what was said and what came, over tenths by score",
        "fall",
    ),
)
METRICS = tuple(
    Metric(name, title, unit, formula, "Of customers of a later day; no value before a test.", NEWEST, _of(c), good, 3)
    for c, name, title, unit, formula, good in SHAPES
)
