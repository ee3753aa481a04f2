"""`intelligence/holdout`: from whom the treatment of each experiment is withheld, and since when a customer counts.

A day that has a later one stays as it was written: who was drawn once is never drawn again.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import ibis
import pyarrow as pa

from gtm_platform.health.customer_health import NOT_AT_RISK
from gtm_platform.intelligence.effect.assignment import first_draw, later_draw, stratum_of
from gtm_platform.intelligence.effect.experiments import TREATED, WITHHELD, Experiment, experiments_of_home
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.expressions.money import minor_units
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

Row = dict[str, Any]
KEY = "intelligence/holdout"
OF_CUSTOMERS = (
    *("customer_id", "company_id", "mrr_reporting", "health_status", "churn_risk", "plan_tier", "assigned_am"),
)

CONTRACT = Contract(
    {
        "experiment": Column("string", "The experiment.", nullable=False),
        "customer_id": Column("string", "The customer.", nullable=False),
        "company_id": Column("string", "Its company on the day; null without one."),
        "group": Column(
            "string", f"{TREATED} or {WITHHELD}.", nullable=False, rule=lambda v: v.isin((TREATED, WITHHELD))
        ),
        "stratum": Column("string", "What it was drawn among.", nullable=False, personal=True),
        "assigned_on": Column("date", "The day on which it was drawn.", nullable=False),
        "starts_on": Column("date", "The first day of the experiment.", nullable=False),
        "ends_on": Column("date", "The last day on which anything is withheld; null while it is not known."),
        "entered_on": Column("date", "The day since which it counts; null where it does not yet."),
        "mrr_before": Column("int64", "What it paid then, in minor units of the reporting currency."),
        "risk_before": Column("float64", "Its churn risk then, 0 to 1; null without one."),
        "merged_into": Column("string", "The customer that it went into; it does not count any more."),
    },
    key=("experiment", "customer_id"),
    about="From whom an experiment withholds what the platform shows, drawn once within strata, and since when each "
    "customer counts.",
    figures={
        "withheld": lambda t: (t["group"] == WITHHELD).sum(),
        "entered": lambda t: t["entered_on"].notnull().sum(),
        "entered_withheld": lambda t: (t["entered_on"].notnull() & (t["group"] == WITHHELD)).sum(),
    },
)


def table(
    customers: ibis.Table,
    people: ibis.Table,
    previous: ibis.Table,
    experiments: Sequence[Experiment],
    policy: Policy,
    day: date,
) -> pa.Table:
    """Return everybody who was ever drawn, with those who are drawn on the day."""
    begun = [each for each in experiments if each.begun(day)]
    rows: list[Row] = []
    if begun:
        drawn = engine().to_pyarrow(previous).to_pylist()
        current = customers.filter(customers["is_customer"]).select(*OF_CUSTOMERS).order_by("customer_id")
        now = {row["customer_id"]: row for row in engine().to_pyarrow(current).to_pylist()}
        survivors = _survivors(people)
        units = minor_units(policy.money.reporting_currency)
        for each in begun:
            before = [row for row in drawn if row["experiment"] == each.name]
            rows += _Assigned(each, day, units, now, survivors).rows(before)
    return pa.Table.from_pylist(rows, schema=CONTRACT.schema.to_pyarrow())


def _survivors(people: ibis.Table) -> dict[str, str]:
    """Return whom each merged customer went into."""
    merged = people.filter(people["aliases"].length() > 0).select("customer_id", "aliases")
    rows = engine().to_pyarrow(merged).to_pylist()
    return {alias: row["customer_id"] for row in rows for alias in row["aliases"] if alias != row["customer_id"]}


class _Assigned:
    """An experiment on a day: who was drawn before stays, newcomers are drawn, and who qualifies enters."""

    def __init__(
        self, experiment: Experiment, day: date, units: int, now: Mapping[str, Row], survivors: Mapping[str, str]
    ) -> None:
        self.experiment, self.terms, self.day, self.units = experiment, experiment.terms, day, units
        self.now, self.survivors = now, survivors

    def rows(self, before: Sequence[Row]) -> list[Row]:
        """Return the experiment's rows, given those of the day before."""
        rows = {row["customer_id"]: self._carried(row) for row in before}
        ends_on = self.experiment.ends_on(self._sampled_on(rows.values()))
        if ends_on is None or self.day <= ends_on:
            self._hand_on(rows)
            rows |= {row["customer_id"]: row for row in self._drawn(rows, is_first=not before)}
            self._enter(rows, ends_on)
            ends_on = self.experiment.ends_on(self._sampled_on(rows.values()))
        return [row | {"ends_on": ends_on} for _, row in sorted(rows.items())]

    def _carried(self, row: Row) -> Row:
        customer = self.now.get(row["customer_id"])
        survivor = self.survivors.get(row["customer_id"])
        return row | {
            "company_id": customer["company_id"] if customer else row["company_id"],
            "merged_into": survivor or row["merged_into"],
        }

    def _hand_on(self, rows: dict[str, Row]) -> None:
        """Give a customer that another went into the other's place, where it has none of its own."""
        for row in sorted(rows.values(), key=lambda row: (row["assigned_on"], row["customer_id"])):
            survivor = row["merged_into"]
            if survivor and survivor not in rows:
                rows[survivor] = self._carried(row | {"customer_id": survivor, "merged_into": None})

    def _drawn(self, drawn_before: Mapping[str, Row], *, is_first: bool) -> Iterator[Row]:
        fresh = [customer for id, customer in self.now.items() if id not in drawn_before]
        withheld = first_draw(fresh, self.terms) if is_first else set()
        for customer in fresh:
            id = customer["customer_id"]
            is_withheld = id in withheld if is_first else later_draw(id, self.terms)
            yield {
                "experiment": self.experiment.name,
                "customer_id": id,
                "company_id": customer["company_id"],
                "group": WITHHELD if is_withheld else TREATED,
                "stratum": stratum_of(customer, self.terms),
                "assigned_on": self.day,
                "starts_on": self.experiment.starts_on,
                "entered_on": None,
                "mrr_before": None,
                "risk_before": None,
                "merged_into": None,
            }

    def _enter(self, rows: dict[str, Row], ends_on: date | None) -> None:
        """Let those enter who qualify on the day, as long as their outcome will be known by the end."""
        is_late = ends_on is not None and self.day + timedelta(days=self.terms.outcome_days) > ends_on
        if is_late or self._sampled_on(rows.values()):
            return
        for id, row in rows.items():
            customer = self.now.get(id)
            if row["entered_on"] is None and customer and not row["merged_into"] and self._qualifies(customer):
                risk = customer["churn_risk"]
                row["entered_on"] = self.day
                row["mrr_before"] = round(customer["mrr_reporting"] * self.units)
                row["risk_before"] = None if risk is None else risk / 100

    def _qualifies(self, customer: Row) -> bool:
        is_at_risk = customer["health_status"] not in (None, *NOT_AT_RISK)
        return (customer["mrr_reporting"] or 0) > 0 and (self.terms.enters == "paying" or is_at_risk)

    def _sampled_on(self, rows: Any) -> date | None:
        """Return the day on which as many had entered as were to."""
        size = self.terms.sample_size
        entered = sorted(row["entered_on"] for row in rows if row["entered_on"] and not row["merged_into"])
        return entered[size - 1] if size and len(entered) >= size else None


TABLE = DailyTable(
    KEY,
    CONTRACT,
    inputs={
        "customers": "core/unified_customers",
        "people": "identity/people",
        "previous": PreviousDay(KEY),
        "experiments": experiments_of_home,
        "policy": current_policy,
    },
    rule=table,
    eager=True,
    append_only=True,
)
