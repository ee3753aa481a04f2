"""How good the newest model of each kind is, by its test on a later day."""

from collections.abc import Callable

import ibis

from gtm_platform.intelligence.churn.model import MODEL as CHURN
from gtm_platform.intelligence.leads.model import MODEL as LEADS
from gtm_platform.intelligence.models.monthly import MonthlyModel
from gtm_platform.intelligence.models.scores import MODEL_DAYS
from gtm_platform.lake.contracts import contract_of
from gtm_platform.serving.metrics.metric import Days, Metric, Population, Trend, Unit

COLUMNS = ("auc", "skill", "ece")
SHAPES: tuple[tuple[str, str, Unit, str, Trend], ...] = (
    (
        "auc",
        "AUC of the {} model",
        "share",
        "pairs of one with the event and one without in which the first was ranked higher ÷ all pairs; half is chance",
        "rise",
    ),
    (
        "skill",
        "Skill of the {} model",
        "share",
        "1 − Brier score of the model ÷ that of the base rate for everybody; 0 is no better",
        "rise",
    ),
    (
        "ece",
        "Calibration error of the {} model",
        "share",
        "mean distance between what was said and what came, over tenths by score",
        "fall",
    ),
)


def _metrics(model: MonthlyModel, kind: str) -> tuple[Metric, ...]:
    newest = Population(
        model.name,
        f"The newest model of {model.about} that was tested.",
        f"select {', '.join(COLUMNS)} from {{months}} where month = (select max(month) from {{months}})",
        {name: contract_of(model.registry).columns[name] for name in COLUMNS},
        {"months": Days(model.registry, MODEL_DAYS, since=True, may_be_missing=True)},
        {},
    )
    about = f"Of {model.subjects} of a later day; no value before a test."
    return tuple(
        Metric(f"{model.name}_{name}", title.format(kind), unit, formula, about, newest, _of(name), good, 3)
        for name, title, unit, formula, good in SHAPES
    )


def _of(column: str) -> Callable[[ibis.Table], ibis.Scalar]:
    return lambda t: t[column].max()


METRICS = (*_metrics(CHURN, "churn"), *_metrics(LEADS, "lead"))
