"""`intelligence/effect`: what the treatment of each experiment changes, with an interval that holds at every look."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from gtm_platform.intelligence.effect import holdout, outcomes
from gtm_platform.intelligence.effect.assignment import draw
from gtm_platform.intelligence.effect.confidence import Interval, always_valid, differences
from gtm_platform.intelligence.effect.experiments import TREATED, Experiment, experiments_of_home
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import engine

Row = dict[str, Any]
KEY = "intelligence/effect"
OUTCOMES = {"churn": "churned", "mrr": "mrr_change", "expansion": "expansion"}
LEAST = 50  # outcomes of either group: of fewer, one large customer can be most of what an interval sees
TUNED_FOR = 500  # outcomes at which intervals are narrowest, where no sample size was registered
TOO_FEW, NOTHING, LESS, MORE = VERDICTS = ("too few so far", "no difference shown", "less with it", "more with it")

CONTRACT = Contract(
    {
        "experiment": Column("string", "The experiment.", nullable=False),
        "outcome": Column("string", ", ".join(OUTCOMES) + ".", nullable=False, rule=lambda v: v.isin(list(OUTCOMES))),
        "is_primary": Column("boolean", "Whether it was registered as what the hypothesis is about.", nullable=False),
        "starts_on": Column("date", "The first day of the experiment.", nullable=False),
        "ends_on": Column("date", "The last day on which anything is withheld; null while it is not known."),
        "entered_treated": Column("int64", "Treated customers that count.", nullable=False),
        "entered_withheld": Column("int64", "Withheld customers that count.", nullable=False),
        "treated": Column("int64", "Of the treated those whose outcome is known.", nullable=False),
        "withheld": Column("int64", "Of the withheld those whose outcome is known.", nullable=False),
        "mean_treated": Column(
            "float64", "Their churn as a share, or their mean change in minor units of the reporting currency."
        ),
        "mean_withheld": Column("float64", "The same of the withheld."),
        "difference": Column("float64", "Treated less withheld, adjusted for MRR and churn risk at entry."),
        "low": Column("float64", "Lower end of its interval, which holds at every look."),
        "high": Column("float64", "Upper end of it."),
        "deviation": Column("float64", "Of a customer's difference: it decides how wide the interval is."),
        "total": Column("float64", "What the difference comes to for all treated customers whose outcome is known."),
        "total_low": Column("float64", "Lower end of it."),
        "total_high": Column("float64", "Upper end of it."),
        "verdict": Column("string", ", ".join(VERDICTS) + ".", nullable=False, rule=lambda v: v.isin(VERDICTS)),
    },
    key=("experiment", "outcome"),
    about="Difference in churn, MRR and expansion between customers who got what an experiment withholds and those who "
    "did not, with an interval that holds however often it is looked at.",
    figures={
        "outcomes": lambda t: (t["treated"] + t["withheld"]).max(),
        "difference_in_churn": lambda t: t["difference"].max(where=t["outcome"] == "churn"),
        "low": lambda t: t["low"].max(where=t["outcome"] == "churn"),
        "high": lambda t: t["high"].max(where=t["outcome"] == "churn"),
    },
)


def table(holdout: ibis.Table, outcomes: ibis.Table, experiments: Sequence[Experiment], day: date) -> pa.Table:
    """Return a row for each experiment that had begun, and outcome."""
    begun = [each for each in experiments if each.begun(day)]
    rows: list[Row] = []
    if begun:
        followed = engine().to_pyarrow(outcomes).to_pylist()
        ends = holdout.select("experiment", "ends_on").distinct()
        ends_on = {row["experiment"]: row["ends_on"] for row in engine().to_pyarrow(ends).to_pylist()}
        for each in begun:
            of_experiment = [row for row in followed if row["experiment"] == each.name]
            common = {"experiment": each.name, "starts_on": each.starts_on, "ends_on": ends_on.get(each.name)}
            rows += [common | _measured(each, outcome, of_experiment) for outcome in OUTCOMES]
    return pa.Table.from_pylist(rows, schema=CONTRACT.schema.to_pyarrow())


def _measured(experiment: Experiment, outcome: str, rows: Sequence[Row]) -> Row:
    column = OUTCOMES[outcome]
    ended = [row for row in rows if row["ended_on"] and row[column] is not None]
    treated = [float(row[column]) for row in ended if row["group"] == TREATED]
    withheld = [float(row[column]) for row in ended if row["group"] != TREATED]
    entered = sum(row["group"] == TREATED for row in rows)
    measured = {
        "outcome": outcome,
        "is_primary": outcome == experiment.terms.outcome,
        "entered_treated": entered,
        "entered_withheld": len(rows) - entered,
        "treated": len(treated),
        "withheld": len(withheld),
        "mean_treated": float(np.mean(treated)) if treated else None,
        "mean_withheld": float(np.mean(withheld)) if withheld else None,
        "verdict": TOO_FEW,
    }
    if min(len(treated), len(withheld)) < LEAST:
        return measured
    interval = _interval(experiment, column, ended)
    return measured | {
        "difference": interval.difference,
        "low": interval.low,
        "high": interval.high,
        "deviation": interval.deviation,
        "total": interval.difference * len(treated),
        "total_low": interval.low * len(treated),
        "total_high": interval.high * len(treated),
        "verdict": NOTHING if interval.holds_nothing else LESS if interval.high < 0 else MORE,
    }


def _interval(experiment: Experiment, column: str, ended: Sequence[Row]) -> Interval:
    """Return the interval of customers in the order in which their outcomes came; on one day by their numbers."""
    ordered = sorted(ended, key=lambda row: (row["ended_on"], draw(experiment.name, row["customer_id"])))
    outcome = np.array([float(row[column]) for row in ordered])
    treated = np.array([row["group"] == TREATED for row in ordered])
    risk = np.array([row["risk_before"] or 0.0 for row in ordered])
    mrr = np.array([float(row["mrr_before"]) for row in ordered])
    about = np.column_stack([risk, np.log1p(mrr), risk * mrr])
    terms = experiment.terms
    each = differences(outcome, treated, about, terms.share)
    return always_valid(each, terms.confidence, terms.sample_size or TUNED_FOR)


TABLE = DailyTable(
    KEY,
    CONTRACT,
    inputs={
        "holdout": holdout.TABLE.key,
        "outcomes": outcomes.TABLE.key,
        "experiments": experiments_of_home,
    },
    rule=table,
    eager=True,
)
