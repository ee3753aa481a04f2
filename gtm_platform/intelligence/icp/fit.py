"""`intelligence/icp_fit`: how likely a company like this is won, by what it is alone, and what speaks for it.

A logistic regression of the companies that were won or lost, drawn to the mean; it is the code of `gtm score`. What it
says is delivered where it foretells companies that it did not see, else every company has the rate of all.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gtm_platform.intelligence.icp.companies import TABLE as COMPANIES
from gtm_platform.intelligence.icp.companies import TECHNOLOGY, TRAITS
from gtm_platform.intelligence.leads.outcomes import LOST, WON
from gtm_platform.intelligence.models.scores import REASON
from gtm_platform.intelligence.scoring.verdicts import Figures, figures_of, is_too_little
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAST = 1e-9  # of a part of the log-odds that is told
USES = f"{TECHNOLOGY} "  # before the name of a technology, in the name of its column

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "day": Column("date", "The day.", nullable=False),
        "outcome": Column("string", "won, lost or open.", nullable=False),
        "fit": Column(
            "float64",
            "Probability that a company like it is won, of those that are won or lost; null without any.",
            rule=lambda v: v.between(0, 1),
        ),
        "times_all": Column("float64", "The same as a multiple of the rate of all."),
        "base_log_odds": Column("float64", "Where all begin; with the reasons it adds up to the fit's log-odds."),
        "reasons": Column(REASON, "What each trait adds in log-odds, the most first; empty without a signal.", False),
        "verdict": Column("string", "signal, no signal (the rate of all is delivered), too little data.", False),
        "auc": Column("float64", "How often a won company that was not learned of was ranked above a lost one."),
        "auc_low": Column("float64", "Lower end of its interval (95 %)."),
        "auc_high": Column("float64", "Upper end of its interval."),
        "left_out": Column("string", "Traits that may hold the outcome, each with the reason, as JSON.", False),
    },
    key=("company_id",),
    about="How well each company fits, by what it is alone: the probability that one like it is won, with reasons.",
    figures={
        "highest_fit": lambda t: t["fit"].max(),
        "mean_fit": lambda t: t["fit"].mean(),
        "auc": lambda t: t["auc"].max(),
    },
)


@dataclass(frozen=True)
class Fitted:
    """What was learned of won and lost companies."""

    figures: Figures | None
    left_out: Mapping[str, str]
    columns: tuple[str, ...] = ()
    parts: Floats | None = None  # company × column
    base: float = 0.0

    @property
    def verdict(self) -> str:
        """What the fit is worth."""
        return "too little data" if self.figures is None else self.figures.verdict


def table(companies: ibis.Table, policy: Policy, day: date) -> pa.Table:
    """Return a row per company."""
    rows = engine().to_pyarrow(companies.order_by("company_id"))
    outcomes = np.array(rows["outcome"].to_pylist(), dtype=object)
    won, decided = outcomes == WON, (outcomes == WON) | (outcomes == LOST)
    rate = float(won[decided].mean()) if decided.any() else None
    frame = _frame(rows)
    fitted = _fitted(frame, won, decided, policy)
    values = {name: frame[name].tolist() for name in fitted.columns}
    figures = fitted.figures
    common = {
        "day": day,
        "verdict": fitted.verdict,
        "left_out": json.dumps(dict(fitted.left_out)),
        **{
            name: None if figures is None else getattr(figures.auc, part)
            for name, part in (("auc", "value"), ("auc_low", "low"), ("auc_high", "high"))
        },
    }
    shown = [
        {"company_id": name, "outcome": outcome, **_row(fitted, values, place, rate), **common}
        for place, (name, outcome) in enumerate(zip(rows["company_id"].to_pylist(), outcomes, strict=True))
    ]
    return pa.Table.from_pylist(shown, schema=CONTRACT.schema.to_pyarrow())


def _row(fitted: Fitted, values: Mapping[str, list[Any]], place: int, rate: float | None) -> dict[str, Any]:
    if fitted.verdict != "signal" or fitted.parts is None or rate is None:
        return {"fit": rate, "times_all": None if rate is None else 1.0, "base_log_odds": None, "reasons": []}
    parts = fitted.parts[place]
    fit = float(1 / (1 + np.exp(-(fitted.base + parts.sum()))))
    reasons = [
        {
            "column": fitted.columns[column],
            **_stated(fitted.columns[column], values[fitted.columns[column]][place]),
            "log_odds": float(parts[column]),
        }
        for column in np.argsort(-np.abs(parts), kind="stable")
        if abs(parts[column]) > LEAST
    ]
    return {"fit": fit, "times_all": fit / rate, "base_log_odds": fitted.base, "reasons": reasons}


def _stated(column: str, value: Any) -> dict[str, Any]:
    """Return the value of a trait as text; of a technology as 1 or 0."""
    return {"value": None, "text": value} if column in TRAITS else {"value": value, "text": None}


def _frame(rows: pa.Table) -> "pd.DataFrame":
    """Return what is learned of: the traits as texts, and a column of 0 and 1 for each technology."""
    frame = rows.select(list(TRAITS)).to_pandas().astype(object)
    frame = frame.where(frame.notna(), None)
    used = [set(each) for each in rows["technologies"].to_pylist()]
    for technology in sorted(set().union(*used)):
        frame[USES + technology] = [float(technology in each) for each in used]
    return frame


def _fitted(frame: "pd.DataFrame", won: Flags, decided: Flags, policy: Policy) -> Fitted:
    """Learn of the decided companies; parts are of all of them."""
    labels = won[decided]
    if is_too_little(labels):
        return Fitted(None, {})
    from gtm_platform.intelligence.scoring import models
    from gtm_platform.intelligence.scoring.features import encoded, features_of
    from gtm_platform.intelligence.scoring.leaks import find_leaks

    features = features_of(frame.loc[decided].reset_index(drop=True))
    leaks = find_leaks(features, labels, policy.intelligence.vouched_columns)
    usable = features.without(list(leaks))
    if not usable.columns:
        return Fitted(None, leaks)
    unseen = models.probability(models.unseen_odds(models.LOGISTIC, usable, labels))
    places = models.promising(usable, labels)
    few = usable if places is None else usable.at_columns(places.tolist())
    model = models.fit_logistic(few, labels)
    parts = model.parts(encoded(frame, few.columns))
    middle = parts[decided].mean(axis=0)
    base = model.constant + float(middle.sum())
    return Fitted(figures_of(unseen, labels), leaks, tuple(few.names), parts - middle, base)


TABLE = DailyTable(
    "intelligence/icp_fit",
    CONTRACT,
    inputs={"companies": COMPANIES.key, "policy": current_policy},
    rule=table,
    eager=True,
)
