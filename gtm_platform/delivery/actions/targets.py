"""For whom an action is to be done: customers at risk, or companies, with a record in the system where it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gtm_platform.delivery.gate import CUSTOMERS, rows
from gtm_platform.lake.lake import Lake
from gtm_platform.policy.actions import Action

COMPANIES, RECORDS_OF_COMPANIES = "core/unified_companies", "identity/companies"
# The column of each system's id of a customer.
RECORDS = {"hubspot_task": "hubspot_contact_id", "intercom_tag": "intercom_contact_id"}
COLUMNS = (
    *("customer_id", "is_customer", "health_status", "health_score", "churn_risk", "mrr_reporting"),
    *("recommended_actions", *RECORDS.values()),
)
COMPANY_COLUMNS = ("company_id", "customer_cohort", "signal_strength", "chroma_cloud_mrr")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Target:
    """A customer or company and its record, with what a person who is to act needs: figures, no names."""

    subject_id: str
    target_id: str
    mrr: float
    health_status: str = ""  # of customers, like what follows
    health_score: int = 0
    churn_risk: int | None = None
    recommended: tuple[str, ...] = ()


def read_customers(lake: Lake, day: str) -> Rows:
    """Read the current customers of a day, as far as actions look at them."""
    present = set(lake.partition(CUSTOMERS, day).columns)
    read = rows(lake, CUSTOMERS, day, *(name for name in COLUMNS if name in present))
    return [row for row in read if row["is_customer"]]


def read_companies(lake: Lake, day: str) -> Rows:
    """Read the companies of a day with a record in Intercom, each with its oldest: ids grow with time."""
    records = lake.read_day(RECORDS_OF_COMPANIES, day)
    records = records.filter(records["intercom_company_ids"].length() > 0)
    records = records.select("company_id", "intercom_company_ids")
    companies = lake.read_day(COMPANIES, day).select(*COMPANY_COLUMNS).join(records, "company_id")
    read: Rows = companies.to_pyarrow().to_pylist()
    return [
        {**row, "intercom_company_id": min(row["intercom_company_ids"], key=lambda id: (len(id), id))} for row in read
    ]


def targets_of(rule: Action, customers: Rows, companies: Rows = ()) -> dict[str, Target]:
    """Return by id the customers, or the companies, for whom a rule is to be done."""
    if rule.of_companies:
        return {row["company_id"]: _company(row) for row in companies if _is_meant(row, rule)}
    column = RECORDS[rule.does]
    return {
        row["customer_id"]: _target(row, str(row[column]))
        for row in customers
        if row["health_status"] in rule.health and row.get(column) and float(row["mrr_reporting"] or 0) >= rule.min_mrr
    }


def _is_meant(row: Mapping[str, Any], rule: Action) -> bool:
    strong = not rule.strengths or row["signal_strength"] in rule.strengths
    return strong and row["customer_cohort"] in rule.cohorts and float(row["chroma_cloud_mrr"] or 0) >= rule.min_mrr


def _company(row: Mapping[str, Any]) -> Target:
    return Target(row["company_id"], row["intercom_company_id"], float(row["chroma_cloud_mrr"] or 0))


def _target(row: Mapping[str, Any], target_id: str) -> Target:
    return Target(
        row["customer_id"],
        target_id,
        float(row["mrr_reporting"] or 0),
        row["health_status"],
        int(row["health_score"] or 0),
        row["churn_risk"],
        tuple(row["recommended_actions"] or ()),
    )
