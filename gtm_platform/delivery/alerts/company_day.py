"""What the alerts about companies are decided by: how their cohorts changed, and what a message says of a company."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.intelligence.expansion.expansion_opportunities import TABLE as OPPORTUNITY_TABLE
from gtm_platform.lake.expressions.money import minor_units
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy

TRANSITIONS, COMPANIES = "cohorts/transitions", "core/unified_companies"
OPPORTUNITIES = OPPORTUNITY_TABLE.key
LOOKBACK_DAYS = 3  # a change is still news when the delivery of its day was left out
TRANSITION_COLUMNS = (
    "company_id", "at", "from_cohort", "to_cohort", "trigger", "competitor_displaced", "evidence",
)  # fmt: skip

Row = Mapping[str, Any]


def read_transitions(lake: Lake, day: str, since: str = "") -> list[Row]:
    """Read the changes of a day and of the few before it, or of those since a day, the oldest first."""
    first = since or (date.fromisoformat(day) - timedelta(days=LOOKBACK_DAYS - 1)).isoformat()
    days = [each for each in sorted(lake.partitions(TRANSITIONS)) if first <= each <= day]
    return [row for each in days for row in _rows(lake, TRANSITIONS, each, TRANSITION_COLUMNS)]


def read_opportunities(lake: Lake, day: str, rules: Policy) -> list[Row]:
    """Read the signs that companies may buy more which were not there some days before.

    On the first day everything would be news, and so nothing is.
    """
    first = (date.fromisoformat(day) - timedelta(days=LOOKBACK_DAYS)).isoformat()
    days = [each for each in sorted(lake.partitions(OPPORTUNITIES)) if first <= each <= day]
    if len(days) < 2 or days[-1] != day:
        return []
    earlier = {(row["company_id"], row["sign"]) for row in _rows(lake, OPPORTUNITIES, days[0], ("company_id", "sign"))}
    currency = rules.money.reporting_currency
    units = minor_units(currency)
    return [
        {**row, "at_stake": row["at_stake"] / units, "currency": currency}
        for row in _rows(lake, OPPORTUNITIES, day, ("company_id", "sign", "evidence", "at_stake"))
        if (row["company_id"], row["sign"]) not in earlier
    ]


def read_companies(lake: Lake, day: str, ids: Collection[str], rules: Policy) -> dict[str, Row]:
    """Return what a message says of some companies, in the columns of customers, by their ids.

    The account manager is that of whoever of the company pays most. A company that is gone has no row.
    """
    if not ids or not lake.has(COMPANIES, day):
        return {}
    columns = ("company_id", "name", "domain", "customer_cohort", "chroma_cloud_mrr", "hubspot_company_id")
    managers = _managers(lake, day, ids)
    rows = _rows(lake, COMPANIES, day, columns, ids)
    return {row["company_id"]: _as_subject(row, managers, rules.money.reporting_currency) for row in rows}


def _as_subject(row: Row, managers: Mapping[str, Row], currency: str) -> Row:
    manager = managers.get(row["company_id"], {})
    return {
        "company_id": row["company_id"],
        "hubspot_company_id": row["hubspot_company_id"],
        "customer_cohort": row["customer_cohort"],
        "name": row["name"] or row["domain"] or f"company {row['company_id']}",
        "company_name": None,
        "mrr": row["chroma_cloud_mrr"],
        "mrr_reporting": row["chroma_cloud_mrr"],
        "currency": currency,
        "assigned_am": manager.get("assigned_am"),
        "assigned_am_email": manager.get("assigned_am_email"),
        "risk_signals": (),
        "recommended_actions": (),
        "churn_risk": None,
    }


def _managers(lake: Lake, day: str, ids: Collection[str]) -> dict[str, Row]:
    """Return the person of each company who pays most, of those with an account manager."""
    columns = ("company_id", "customer_id", "mrr_reporting", "assigned_am", "assigned_am_email")
    people = [row for row in _rows(lake, CUSTOMERS, day, columns, ids) if row["assigned_am"]]
    people.sort(key=lambda row: (-(row["mrr_reporting"] or 0), row["customer_id"]))
    return {row["company_id"]: row for row in reversed(people)}


def _rows(lake: Lake, table: str, day: str, columns: Sequence[str], ids: Collection[str] | None = None) -> list[Row]:
    """Read some columns of a day. One that the day was made without is null."""
    partition = lake.partition(table, day)
    if ids is not None:
        partition = partition.filter(partition["company_id"].isin(sorted(ids)))
    present = [name for name in columns if name in partition.columns]
    absent = dict.fromkeys(name for name in columns if name not in partition.columns)
    return [absent | row for row in partition.select(*present).to_pyarrow().to_pylist()]
