"""`intelligence/success`: what the platform is to improve, each figure with its baseline and the tables that it is of.

What cannot be measured says so, and why; nothing is estimated without the word.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import pyarrow as pa

from gtm_platform.intelligence.effect.effect import TABLE as EFFECT
from gtm_platform.intelligence.effect.effect import TOO_FEW
from gtm_platform.intelligence.expansion.expansion_opportunities import TABLE as OPPORTUNITIES
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, DaysAgo, Prepared, PreviousDay
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.expressions import money
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

Row = dict[str, Any]
KEY = "intelligence/success"
WINDOW, MONTH = 90, 30
CUSTOMERS, ACCOUNTS = "core/unified_customers", "cohorts/company_accounts"
# Tables of what was delivered, and of how health did: they are made of later rooms, and read as of the days before.
BACKTEST, SENT, WRITTEN = "health/backtest", "alerts/precision", "delivery/hubspot_writes"
MEASURED, ESTIMATED, UNMEASURED = BASES = ("measured", "estimated", "not measured")
AHEAD = "median_days_ahead"


@dataclass(frozen=True)
class Measured:
    """What a metric came to on a day, or why it could not be measured."""

    value: float | None
    how: str
    basis: str = MEASURED
    baseline: float | None = None
    baseline_is: str = ""  # "" is the first day on which it was measured
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class SuccessMetric:
    """A metric of success: its name, unit, and the tables that it is computed from."""

    name: str
    title: str
    unit: str
    good: str
    tables: tuple[str, ...]


METRICS = {
    each.name: each
    for each in (
        SuccessMetric("churn_rate", "Churn in 90 days", "share", "fall", (CUSTOMERS,)),
        SuccessMetric("days_of_warning", "Days of warning", "days", "rise", (BACKTEST,)),
        SuccessMetric("mrr_saved", "MRR saved", "money", "rise", (EFFECT.key,)),
        SuccessMetric(
            "expansion_from_opportunities",
            "Expansion from opportunities",
            "money",
            "rise",
            (OPPORTUNITIES.key, ACCOUNTS),
        ),
        SuccessMetric("manager_minutes", "Minutes saved in 30 days", "minutes", "rise", (SENT, WRITTEN)),
        SuccessMetric("coverage", "Complete profiles", "share", "rise", (CUSTOMERS,)),
    )
}

CONTRACT = Contract(
    {
        "metric": Column("string", ", ".join(METRICS) + ".", nullable=False, rule=lambda v: v.isin(list(METRICS))),
        "value": Column("float64", "The figure; money in the reporting currency. Null: not measured."),
        "low": Column("float64", "Lower end of its interval, where it has one."),
        "high": Column("float64", "Upper end of it."),
        "baseline": Column("float64", "What it is compared with; null where there is nothing yet."),
        "baseline_is": Column("string", "What that is.", nullable=False),
        "baseline_on": Column("date", "The day that it is of; null where it is of the same day."),
        "basis": Column("string", ", ".join(BASES) + ".", nullable=False, rule=lambda v: v.isin(BASES)),
        "how": Column("string", "How it was measured, or why it could not be.", nullable=False),
        "tables": Column("string", "The tables of the lake that it is computed from.", nullable=False),
    },
    key=("metric",),
    about="The metrics of success, each with its baseline, how it was measured and of which tables.",
    figures={
        "measured": lambda t: (t["basis"] != UNMEASURED).sum(),
        "churn_rate": lambda t: t["value"].max(where=t["metric"] == "churn_rate"),
        "coverage": lambda t: t["value"].max(where=t["metric"] == "coverage"),
    },
)


def table(
    customers: ibis.Table,
    before: ibis.Table,
    accounts: ibis.Table,
    accounts_before: ibis.Table,
    opportunities: ibis.Table,
    opportunities_before: ibis.Table,
    effect: ibis.Table,
    delivered: Mapping[str, ibis.Table],
    previous: ibis.Table,
    policy: Policy,
    day: date,
) -> pa.Table:
    """Return a row per metric."""
    earlier = {row["metric"]: row for row in _rows(previous)}
    units = money.minor_units(policy.money.reporting_currency)
    measured = {
        "churn_rate": churn_rate(before, customers),
        "days_of_warning": days_of_warning(delivered["backtest"]),
        "mrr_saved": mrr_saved(effect, units),
        "expansion_from_opportunities": expansion(
            opportunities, opportunities_before, accounts_before, accounts, policy
        ),
        "manager_minutes": manager_minutes(delivered["acts"], policy),
        "coverage": coverage(customers, policy),
    }
    rows = [_row(METRICS[name], value, earlier.get(name), day) for name, value in measured.items()]
    return pa.Table.from_pylist(rows, schema=CONTRACT.schema.to_pyarrow())


def _row(metric: SuccessMetric, measured: Measured, before: Row | None, day: date) -> Row:
    """Return the metric's row; without a baseline of its own, its first value is what later ones are compared with."""
    baseline, baseline_is, baseline_on = measured.baseline, measured.baseline_is, None
    if not baseline_is:
        carried = before is not None and before["baseline"] is not None
        baseline = before["baseline"] if before and carried else measured.value
        baseline_on = before["baseline_on"] if before and carried else day if measured.value is not None else None
        baseline_is = "the first day on which it was measured" if baseline_on else "none yet"
    return {
        "metric": metric.name,
        "value": measured.value,
        "low": measured.low,
        "high": measured.high,
        "baseline": baseline,
        "baseline_is": baseline_is,
        "baseline_on": baseline_on,
        "basis": measured.basis,
        "how": measured.how,
        "tables": ", ".join(metric.tables),
    }


def churn_rate(before: ibis.Table, now: ibis.Table) -> Measured:
    """Measure how many of those who paid 90 days ago pay nothing now."""
    then = before.filter(_pays(before)).select("customer_id").view()
    payers = now.filter(_pays(now)).select("customer_id", stays=True)
    both = then.left_join(payers, "customer_id")
    [row] = _rows(both.aggregate(paid=both.count(), left=both["stays"].isnull().sum()))
    if not row["paid"]:
        return Measured(None, f"Nobody paid {WINDOW} days ago, or the lake does not reach back so far.", UNMEASURED)
    how = (
        f"{row['left']:,} of {row['paid']:,} customers who paid {WINDOW} days ago pay nothing now. Before and after: "
        "other causes are in it, too; what the platform did is in mrr_saved and intelligence/effect."
    )
    return Measured(row["left"] / row["paid"], how)


def days_of_warning(backtest: ibis.Table) -> Measured:
    """Measure how many days ahead those who churned had been flagged, as the newest back-test has it."""
    rows = [row for row in _rows(backtest) if row["measure"] == AHEAD and row["value"] is not None]
    if not rows:
        return Measured(None, "No back-test yet found a churn that was flagged before.", UNMEASURED)
    newest = max(rows, key=lambda row: (row["tested_until"], row["policy_hash"]))
    how = f"Median of the churns that health flagged before, tested until {newest['tested_until']}."
    return Measured(newest["value"], how)


def mrr_saved(effect: ibis.Table, units: int) -> Measured:
    """Measure what the newest experiment says that the treated customers pay more than without it."""
    rows = [row for row in _rows(effect) if row["outcome"] == "mrr"]
    if not rows:
        how = "No experiment has begun: without customers from whom it is withheld nobody can say what was saved."
        return Measured(None, how, UNMEASURED)
    newest = max(rows, key=lambda row: (row["starts_on"], row["experiment"]))
    name = newest["experiment"]
    if newest["verdict"] == TOO_FEW:
        outcomes = f"{newest['treated']} treated and {newest['withheld']} withheld customers have an outcome"
        return Measured(None, f"{outcomes} in {name}: too few so far.", UNMEASURED)
    how = (
        f"Difference in MRR between treated and withheld customers of {name}, times {newest['treated']:,} treated ones."
    )
    total, low, high = (newest[name] / units for name in ("total", "total_low", "total_high"))
    return Measured(total, how, MEASURED, 0.0, "the customers who were withheld", low, high)


def expansion(
    opportunities: ibis.Table,
    opportunities_before: ibis.Table,
    accounts_before: ibis.Table,
    accounts: ibis.Table,
    policy: Policy,
) -> Measured:
    """Measure how much more companies pay that were listed 90 days ago, beside those that were not."""
    listed = opportunities_before.select("company_id", is_listed=True).distinct().view()
    currency = ibis.literal(policy.money.reporting_currency)
    then = accounts_before.filter(accounts_before["mrr"] > 0).select(
        "company_id", before=money.minor(accounts_before["mrr"], currency)
    )
    now = accounts.select("company_id", now=money.minor(accounts["mrr"], currency))
    both = then.left_join(now, "company_id", rname="{name}_now").left_join(listed, "company_id", rname="{name}_listed")
    more = ibis.greatest(both["now"].fill_null(0) - both["before"], 0)
    is_listed = both["is_listed"].fill_null(False)
    sums = {
        "companies": is_listed.sum(),
        "grown": more.sum(where=is_listed),
        "listed": both["before"].sum(where=is_listed),
        "grown_of_others": more.sum(where=~is_listed),
        "others": both["before"].sum(where=~is_listed),
    }
    [row] = _rows(both.aggregate(**sums))
    [now_listed] = _rows(opportunities.aggregate(companies=opportunities["company_id"].nunique()))
    if not row["companies"]:
        return Measured(None, f"No paying company was listed {WINDOW} days ago.", UNMEASURED)
    units = money.minor_units(policy.money.reporting_currency)
    usual = row["grown_of_others"] / row["others"] * row["listed"] / units if row["others"] else None
    how = (
        f"What {row['companies']:,} companies that were listed {WINDOW} days ago pay more now. They may have grown "
        f"without being listed. Today {now_listed['companies']:,} are."
    )
    is_what = "what they would have grown by at the rate of companies that were not listed"
    return Measured((row["grown"] or 0) / units, how, baseline=usual, baseline_is=is_what)


def manager_minutes(acts: ibis.Table, policy: Policy) -> Measured:
    """Estimate the minutes that alerts and written values saved, by what the policy says that each saves."""
    rules = policy.success
    counts = {row["act"]: int(row["count"]) for row in _rows(acts)}
    each = {"alerts": rules.minutes_per_alert, "values": rules.minutes_per_written_value}
    if not any(each.values()):
        how = "Nobody has said how many minutes an alert or a written value saves: [success] in the policy."
        return Measured(None, how, UNMEASURED)
    counted = " and ".join(f"{counts.get(act, 0):,} {act} at {minutes:g}" for act, minutes in each.items())
    total = sum(counts.get(act, 0) * minutes for act, minutes in each.items())
    how = f"{counted} minutes each in {MONTH} days: counted acts, minutes as the policy says."
    return Measured(total, how, ESTIMATED, 0.0, "doing the same by hand")


def coverage(customers: ibis.Table, policy: Policy) -> Measured:
    """Measure the share of current customers whose profile is complete."""
    current = customers.filter(customers["is_customer"])
    complete = (current["completeness_score"] >= policy.success.complete_from).fill_null(False)
    [row] = _rows(current.aggregate(all=current.count(), complete=complete.sum()))
    if not row["all"]:
        return Measured(None, "There is no customer.", UNMEASURED)
    filled = f"at least {policy.success.complete_from:g} % of the fields filled"
    how = f"{row['complete']:,} of {row['all']:,} current customers have {filled}."
    return Measured(row["complete"] / row["all"], how)


def _pays(table: ibis.Table) -> ibis.ir.BooleanValue:
    return table["is_customer"] & (ibis.coalesce(table["mrr"], table["mrr_reporting"], 0) > 0)


def _rows(table: ibis.Table) -> list[Row]:
    rows: list[Row] = engine().to_pyarrow(table).to_pylist()
    return rows


@contextmanager
def delivered_before(lake: Lake, day: str) -> Iterator[Mapping[str, ibis.Table]]:
    """Give the back-tests of before the day, and what was sent and written in the 30 days before."""
    since = (date.fromisoformat(day) - timedelta(days=MONTH)).isoformat()
    tests = [file for file in lake.files(BACKTEST) if file.partition < day]
    backtest = lake.read(BACKTEST, tests)
    sent, written = (
        lake.read(table, [file for file in lake.files(table) if since <= file.partition < day])
        for table in (SENT, WRITTEN)
    )
    acts = ibis.union(
        sent.aggregate(count=sent["sent"].sum().fill_null(0)).select("count", act=ibis.literal("alerts")),
        written.aggregate(count=(written["status"] == "written").sum().fill_null(0)).select(
            "count", act=ibis.literal("values")
        ),
    )
    yield {"backtest": backtest.filter(backtest["tested_until"] < ibis.date(day)), "acts": acts}


TABLE = DailyTable(
    KEY,
    CONTRACT,
    inputs={
        "customers": CUSTOMERS,
        "before": DaysAgo(CUSTOMERS, WINDOW),
        "accounts": ACCOUNTS,
        "accounts_before": DaysAgo(ACCOUNTS, WINDOW),
        "opportunities": OPPORTUNITIES.key,
        "opportunities_before": DaysAgo(OPPORTUNITIES.key, WINDOW),
        "effect": EFFECT.key,
        "delivered": Prepared(delivered_before),
        "previous": PreviousDay(KEY),
        "policy": current_policy,
    },
    rule=table,
    eager=True,
)
