"""The registry of a monthly model, a row for each month: what was trained, on what, how good it is.

The model itself is a value of the row, so that a past day can be scored again with the model that it had.
"""

import json
import pickle
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gtm_platform.intelligence.models.monthly import MonthlyModel
from gtm_platform.intelligence.scoring.verdicts import Figures
from gtm_platform.lake.contracts import Column, Contract, contract_of, declare

if TYPE_CHECKING:
    from gtm_platform.intelligence.scoring.scorecard import TrainedModel

SHADOW, SHOWN = "shadow", "shown"

FIGURES = {
    "base_rate": "Share of those tested to whom it happened.",
    "auc": "How often one with the event was ranked above one without; 0.5 is chance.",
    "auc_low": "Lower end of its interval (95 %, by resampling those tested).",
    "auc_high": "Upper end of its interval.",
    "brier": "Mean squared distance between what was said and what came.",
    "brier_of_base_rate": "The same of the base rate for everybody.",
    "skill": "How much better than the base rate: 1 is perfect, 0 no better.",
    "skill_low": "Lower end of its interval.",
    "skill_high": "Upper end of its interval.",
    "ece": "Mean distance between what was said and what came, over tenths by score.",
    "ece_floor": "What a perfect model would have here by chance.",
    "lift": "How many times as often as all the tenth with the highest scores had the event.",
    "days_ahead": "Median days from the test to the event, of the tenth with the highest scores.",
    "drift": "Furthest that a column's values moved from those trained on to those tested on (stability index).",
}


def declare_registry(model: MonthlyModel) -> Contract:
    """Declare the table of a model's months."""
    of_day = f"{model.subjects.capitalize()} and days that it learned of."
    happened = f"Of them, {model.event} within the horizon."
    return declare(
        model.registry,
        Contract(
            {
                "month": Column("date", "The first day of the month that the model was tested on.", nullable=False),
                "tested_on": Column("date", f"The day whose {model.subjects} it was tested on.", nullable=False),
                "available_on": Column(
                    "date",
                    f"From which day on it may score: what came of the tested {model.subjects} was over by then.",
                    nullable=False,
                ),
                "trained_from": Column("date", "The earliest day that the tested model learned of."),
                "trained_until": Column("date", "The latest; what came of it was over on the day of the test."),
                "rows": Column("int64", of_day, nullable=False),
                "events": Column("int64", happened, nullable=False),
                "test_rows": Column("int64", f"{model.subjects.capitalize()} that it was tested on.", nullable=False),
                "test_events": Column("int64", happened, nullable=False),
                "verdict": Column(
                    "string", "signal, no signal (the base rate is delivered), or too little data.", nullable=False
                ),
                "stage": Column(
                    "string", "shadow: scores are only kept; shown: later months confirmed a signal.", nullable=False
                ),
                "model": Column("string", "Which kind of model had the lowest log loss."),
                **{name: Column("float64", about) for name, about in FIGURES.items()},
                "drifted_column": Column("string", "The column that moved furthest."),
                "calibration": Column("string", "Tenths of those tested by score, as JSON: rows, predicted, observed."),
                "importance": Column("string", "How far each column moves a score on average, in log-odds, as JSON."),
                "leaks": Column("string", "Columns that were left out, with the reason, as JSON."),
                "policy_hash": Column("string", "The business rules of the training.", nullable=False),
                "code_version": Column("string", "The code of the training.", nullable=False),
                "library": Column("string", "The library and version that the model needs.", nullable=False),
                "content": Column("binary", "The model, trained again with the tested day; null without one."),
            },
            key=("month",),
            about=f"Models of {model.about}: what each month's learned of, how it did on a later day, and the model "
            "itself.",
            figures={"test_rows": lambda t: t["test_rows"].sum(), "auc": lambda t: t["auc"].mean()},
        ),
    )


def packed(model: "TrainedModel | None") -> bytes | None:
    """Return a model as bytes."""
    return None if model is None else pickle.dumps(model)


class UnreadableModel(RuntimeError):
    """A model of other code or another library; the message says how to train it again."""


def unpacked(model: MonthlyModel, row: Mapping[str, Any]) -> "TrainedModel":
    """Return the model of a row that the platform wrote itself into its own lake."""
    from gtm_platform.intelligence.scoring.scorecard import TrainedModel

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of another version of the library it might score otherwise
            trained = pickle.loads(row["content"])
    except Exception as error:  # whatever a class that has changed since comes to
        raise _unreadable(model, row, type(error).__name__) from error
    if not isinstance(trained, TrainedModel):
        raise _unreadable(model, row, "it is no model")
    return trained


def _unreadable(model: MonthlyModel, row: Mapping[str, Any], why: str) -> UnreadableModel:
    return UnreadableModel(
        f"The model of {row['month']:%Y-%m} is of {row['library']} and other code, and cannot be read ({why}). "
        f"Until it is trained again the base rate is delivered: gtm run {model.registry} --partition {row['month']}"
    )


def library() -> str:
    """Return the library that models need, with its version."""
    import sklearn

    return f"scikit-learn {sklearn.__version__}"


def figure_columns(figures: Figures | None, drift: Mapping[str, float]) -> dict[str, Any]:
    """Return the figures of a test as columns."""
    moved = max(drift, key=lambda name: drift[name]) if drift else None
    columns: dict[str, Any] = {"drift": drift[moved] if moved else None, "drifted_column": moved}
    if figures is None:
        return columns
    return columns | {
        "base_rate": figures.base_rate,
        "auc": figures.auc.value,
        "auc_low": figures.auc.low,
        "auc_high": figures.auc.high,
        "brier": figures.brier,
        "brier_of_base_rate": figures.brier_of_base_rate,
        "skill": figures.skill.value,
        "skill_low": figures.skill.low,
        "skill_high": figures.skill.high,
        "ece": figures.ece,
        "ece_floor": figures.ece_floor,
        "lift": figures.lift,
        "calibration": json.dumps([asdict(each) for each in figures.bins]),
    }


def as_table(model: MonthlyModel, row: Mapping[str, Any]) -> pa.Table:
    """Return a row of a model's registry as a table."""
    contract = contract_of(model.registry)
    complete = {name: row.get(name) for name in contract.columns}
    return pa.Table.from_pylist([complete], schema=contract.schema.to_pyarrow())


def usable(rows: Sequence[Mapping[str, Any]], day: date) -> Mapping[str, Any] | None:
    """Return the newest model that could be used on a day: what came of its customers was over by then."""
    available = [row for row in rows if row["available_on"] <= day]
    return max(available, key=lambda row: (row["tested_on"], row["month"]), default=None)
