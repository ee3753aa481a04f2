"""`intelligence/icp_groups`: how often companies of a kind are won, what they pay, and how often they leave."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from gtm_platform.intelligence.icp.companies import TABLE as COMPANIES
from gtm_platform.intelligence.icp.companies import TECHNOLOGY, TRAITS
from gtm_platform.intelligence.icp.measures import Estimate, mean, rate
from gtm_platform.intelligence.leads.outcomes import LOST, WON
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

ALL = "all"
Rows = Sequence[Mapping[str, Any]]


def _estimate(name: str, of: str) -> dict[str, Column]:
    return {
        name: Column("float64", of),
        f"{name}_low": Column("float64", "Lower end of its interval (95 %)."),
        f"{name}_high": Column("float64", "Upper end of its interval."),
        f"{name}_drawn": Column("float64", "Drawn to that of all, by the policy's prior_companies."),
    }


CONTRACT = Contract(
    {
        "trait": Column("string", f"{', '.join(TRAITS)}, {TECHNOLOGY}; or {ALL}.", nullable=False),
        "value": Column("string", f"Of the trait; {ALL} for every company.", nullable=False),
        "companies": Column("int64", "Companies that are so.", nullable=False),
        "won": Column("int64", "Of them, won.", nullable=False),
        "lost": Column("int64", "Of them, lost.", nullable=False),
        **_estimate("win_rate", "Won of won and lost; the interval is Wilson's."),
        "customers": Column("int64", "Of them, those that ever paid.", nullable=False),
        **_estimate("ltv", "Mean of what these paid so far, in the reporting currency."),
        "seasoned": Column("int64", "Of these, with a first payment as long ago as churn_days.", nullable=False),
        "left_in_time": Column("int64", "Of these, left within so many days of it.", nullable=False),
        **_estimate("churn_rate", "Their share; the interval is Wilson's."),
    },
    key=("trait", "value"),
    about="Won, lost, LTV and churn of companies by what they are, with intervals; small groups are drawn to the mean.",
    figures={
        "groups": lambda t: t.count(),
        "win_rate": lambda t: t["win_rate"].max(where=t["trait"] == ALL),
        "churn_rate": lambda t: t["churn_rate"].max(where=t["trait"] == ALL),
    },
)


def table(companies: ibis.Table, policy: Policy) -> pa.Table:
    """Return a row for all companies, and for each value of a trait that enough of them have."""
    rules = policy.intelligence.icp
    rows: Rows = engine().to_pyarrow(companies.order_by("company_id")).to_pylist()
    overall = _counted(rows, None, 0.0)
    result = [{"trait": ALL, "value": ALL, **overall}]
    for (trait, value), members in sorted(_members(rows).items()):
        if len(members) >= rules.least_companies:
            result.append({"trait": trait, "value": value, **_counted(members, overall, float(rules.prior_companies))})
    return pa.Table.from_pylist(result, schema=CONTRACT.schema.to_pyarrow())


def _members(rows: Rows) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    members: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        for place in _places(row):
            members.setdefault(place, []).append(row)
    return members


def _places(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for trait in TRAITS:
        if row[trait] is not None:
            yield trait, row[trait]
    for technology in row["technologies"]:
        yield TECHNOLOGY, technology


def _counted(rows: Rows, overall: Mapping[str, Any] | None, prior: float) -> dict[str, Any]:
    """Return the figures of some companies, drawn to those of all."""
    won = sum(row["outcome"] == WON for row in rows)
    lost = sum(row["outcome"] == LOST for row in rows)
    paid = np.array([float(row["ltv"]) for row in rows if row["ltv"] is not None])
    seasoned = sum(row["is_seasoned"] for row in rows)
    left = sum(row["left_in_time"] for row in rows)
    of_all = overall or {
        "win_rate": won / (won + lost) if won + lost else None,
        "ltv": float(paid.mean()) if len(paid) else None,
        "churn_rate": left / seasoned if seasoned else None,
    }
    return {
        "companies": len(rows),
        "won": won,
        "lost": lost,
        **_columns("win_rate", rate(won, won + lost, of_all["win_rate"], prior)),
        "customers": len(paid),
        **_columns("ltv", mean(paid, of_all["ltv"], prior)),
        "seasoned": seasoned,
        "left_in_time": left,
        **_columns("churn_rate", rate(left, seasoned, of_all["churn_rate"], prior)),
    }


def _columns(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {
        name: estimate.value,
        f"{name}_low": estimate.low,
        f"{name}_high": estimate.high,
        f"{name}_drawn": estimate.drawn,
    }


TABLE = DailyTable(
    "intelligence/icp_groups",
    CONTRACT,
    inputs={"companies": COMPANIES.key, "policy": current_policy},
    rule=table,
    eager=True,
)
