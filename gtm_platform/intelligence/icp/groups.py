"""`intelligence/icp_groups`: how often companies of a kind are won, what they pay, and how often they leave."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gtm_platform.intelligence.icp.companies import TABLE as COMPANIES
from gtm_platform.intelligence.icp.companies import TECHNOLOGY, TRAITS
from gtm_platform.intelligence.icp.measures import Estimate, Floats, mean, rate
from gtm_platform.intelligence.leads.outcomes import LOST, WON
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

ALL = "all"
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


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


@dataclass(frozen=True)
class Facts:
    """What companies came to, as columns in the same order; `ltv` is not a number for who never paid."""

    won: Flags
    lost: Flags
    ltv: Floats
    seasoned: Flags
    left: Flags

    @classmethod
    def of(cls, rows: pa.Table) -> "Facts":
        """Return the facts of some rows."""
        ltv = pc.cast(rows["ltv"], pa.float64()).to_numpy()
        outcome = rows["outcome"].to_numpy()
        flags = (rows[name].to_numpy().astype(bool) for name in ("is_seasoned", "left_in_time"))
        return cls(outcome == WON, outcome == LOST, ltv, *flags)

    def at(self, places: Places) -> "Facts":
        """Return those of some companies."""
        return Facts(*(getattr(self, each.name)[places] for each in fields(self)))


def table(companies: ibis.Table, policy: Policy) -> pa.Table:
    """Return a row for all companies, and for each value of a trait that enough of them have."""
    rules = policy.intelligence.icp
    rows: pa.Table = engine().to_pyarrow(companies.order_by("company_id"))
    facts, prior = Facts.of(rows), float(rules.prior_companies)
    overall = _counted(facts, None, 0.0)
    result = [{"trait": ALL, "value": ALL, **overall}]
    for (trait, value), places in sorted(_members(rows), key=lambda member: member[0]):
        if len(places) >= rules.least_companies:
            result.append({"trait": trait, "value": value, **_counted(facts.at(places), overall, prior)})
    return pa.Table.from_pylist(result, schema=CONTRACT.schema.to_pyarrow())


def _members(rows: pa.Table) -> Iterator[tuple[tuple[str, str], Places]]:
    """Yield each value of a trait, and the places of the companies that have it."""
    everybody = np.arange(len(rows))
    for trait in TRAITS:
        yield from _by_value(trait, rows[trait].combine_chunks(), everybody)
    technologies = rows["technologies"].combine_chunks()
    yield from _by_value(TECHNOLOGY, technologies.flatten(), pc.list_parent_indices(technologies).to_numpy())


def _by_value(trait: str, values: pa.Array, places: Places) -> Iterator[tuple[tuple[str, str], Places]]:
    encoded = values.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1))
    for value, start, end in zip(encoded.dictionary.to_pylist(), starts[:-1], starts[1:], strict=True):
        yield (trait, value), places[order[start:end]]


def _counted(facts: Facts, overall: Mapping[str, Any] | None, prior: float) -> dict[str, Any]:
    """Return the figures of some companies, drawn to those of all."""
    won, lost = int(facts.won.sum()), int(facts.lost.sum())
    paid = facts.ltv[~np.isnan(facts.ltv)]
    seasoned, left = int(facts.seasoned.sum()), int(facts.left.sum())
    of_all = overall or {
        "win_rate": won / (won + lost) if won + lost else None,
        "ltv": float(paid.mean()) if len(paid) else None,
        "churn_rate": left / seasoned if seasoned else None,
    }
    return {
        "companies": len(facts.won),
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
