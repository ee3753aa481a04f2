"""`intelligence/holdout_outcomes`: what became of each customer that counts, so many days after it entered."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import ibis
import pyarrow as pa

from gtm_platform.intelligence.effect import holdout
from gtm_platform.intelligence.effect.experiments import Experiment, experiments_of_home
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.expressions.money import minor_units
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

Row = dict[str, Any]
KEY = "intelligence/holdout_outcomes"
ENTRY = ("experiment", "customer_id", "group", "stratum", "entered_on", "mrr_before", "risk_before")

CONTRACT = Contract(
    {
        **{name: holdout.CONTRACT.columns[name] for name in ENTRY},
        "due_on": Column("date", "The day on which its outcome is read.", nullable=False),
        "ended_on": Column("date", "The day on which it was: the first that was made from then on; null before."),
        "churned": Column("boolean", "Whether it paid nothing then; null before."),
        "mrr_change": Column(
            "int64", "What it paid then less what it paid before, in minor units; null before, or without a rate."
        ),
        "expansion": Column("int64", "That change where it is more, else nothing; null where the change is."),
    },
    key=("experiment", "customer_id"),
    about="Outcomes of the customers that count in an experiment, so many days after each entered.",
    figures={
        "ended": lambda t: t["ended_on"].notnull().sum(),
        "churned": lambda t: t["churned"].sum(),
    },
)


def table(
    holdout: ibis.Table,
    customers: ibis.Table,
    previous: ibis.Table,
    experiments: Sequence[Experiment],
    policy: Policy,
    day: date,
) -> pa.Table:
    """Return a row per customer that counts; an outcome that was read stays."""
    entered = holdout.filter(holdout["entered_on"].notnull() & holdout["merged_into"].isnull())
    rows = engine().to_pyarrow(entered.select(*ENTRY, "ends_on")).to_pylist()
    made: list[Row] = []
    if rows:
        read_before = {
            (row["experiment"], row["customer_id"]): row for row in engine().to_pyarrow(previous).to_pylist()
        }
        paid = _paid(customers, policy)
        days = {each.name: each.terms.outcome_days for each in experiments}
        for row in sorted(rows, key=lambda row: (row["experiment"], row["customer_id"])):
            due_on = row["entered_on"] + timedelta(days=days[row["experiment"]])
            before = read_before.get((row["experiment"], row["customer_id"]))
            ended = before if before and before["ended_on"] else None
            made.append(ended or _followed(row, due_on, day, paid))
    return pa.Table.from_pylist(made, schema=CONTRACT.schema.to_pyarrow())


def _paid(customers: ibis.Table, policy: Policy) -> Mapping[str, tuple[bool, int | None]]:
    """Return of each current customer whether it pays, and how much in the reporting currency."""
    units = minor_units(policy.money.reporting_currency)
    current = customers.filter(customers["is_customer"]).select("customer_id", "mrr", "mrr_reporting")
    rows = engine().to_pyarrow(current).to_pylist()
    return {
        row["customer_id"]: (
            (row["mrr"] or row["mrr_reporting"] or 0) > 0,
            None if row["mrr_reporting"] is None else round(row["mrr_reporting"] * units),
        )
        for row in rows
    }


def _followed(row: Row, due_on: date, day: date, paid: Mapping[str, tuple[bool, int | None]]) -> Row:
    entry = {name: row[name] for name in ENTRY} | {"due_on": due_on}
    is_due = day >= due_on and (row["ends_on"] is None or due_on <= row["ends_on"])
    if not is_due:
        return entry | {"ended_on": None, "churned": None, "mrr_change": None, "expansion": None}
    pays, mrr = paid.get(row["customer_id"], (False, 0))
    change = None if pays and mrr is None else (mrr or 0) - row["mrr_before"]
    return entry | {
        "ended_on": day,
        "churned": not pays,
        "mrr_change": change,
        "expansion": None if change is None else max(change, 0),
    }


TABLE = DailyTable(
    KEY,
    CONTRACT,
    inputs={
        "holdout": holdout.TABLE.key,
        "customers": "core/unified_customers",
        "previous": PreviousDay(KEY),
        "experiments": experiments_of_home,
        "policy": current_policy,
    },
    rule=table,
    eager=True,
)
