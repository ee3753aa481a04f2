"""For whom an action is to be done: customers at risk, who have a record in the system where it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gtm_platform.delivery.gate import CUSTOMERS, rows
from gtm_platform.lake.lake import Lake
from gtm_platform.policy.actions import Action

# The column of each system's id of a customer.
RECORDS = {"hubspot_task": "hubspot_contact_id", "intercom_tag": "intercom_contact_id"}
COLUMNS = (
    *("customer_id", "is_customer", "health_status", "health_score", "churn_risk", "mrr_reporting"),
    *("recommended_actions", *RECORDS.values()),
)


@dataclass(frozen=True)
class Target:
    """A customer and its record, with what a person who is to act needs to know: figures, nobody's name."""

    subject_id: str
    target_id: str
    health_status: str
    health_score: int
    churn_risk: int | None
    mrr: float
    recommended: tuple[str, ...]


def read_customers(lake: Lake, day: str) -> Sequence[Mapping[str, Any]]:
    """Read the current customers of a day, as far as actions look at them."""
    present = set(lake.partition(CUSTOMERS, day).columns)
    read = rows(lake, CUSTOMERS, day, *(name for name in COLUMNS if name in present))
    return [row for row in read if row["is_customer"]]


def targets_of(rule: Action, customers: Sequence[Mapping[str, Any]]) -> dict[str, Target]:
    """Return by id the customers for whom a rule is to be done."""
    column = RECORDS[rule.does]
    return {
        row["customer_id"]: _target(row, str(row[column]))
        for row in customers
        if row["health_status"] in rule.health and row.get(column) and float(row["mrr_reporting"] or 0) >= rule.min_mrr
    }


def _target(row: Mapping[str, Any], target_id: str) -> Target:
    return Target(
        row["customer_id"],
        target_id,
        row["health_status"],
        int(row["health_score"] or 0),
        row["churn_risk"],
        float(row["mrr_reporting"] or 0),
        tuple(row["recommended_actions"] or ()),
    )
