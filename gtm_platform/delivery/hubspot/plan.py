"""What HubSpot is to hold: one `Desired` for each contact, out of the day's health and customers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gtm_platform.delivery.hubspot.properties import (
    CHURN_RISK,
    HEALTH_SCORE,
    HEALTH_STATUS,
    MRR,
    RISK_SIGNALS,
    Property,
    wire,
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Desired:
    customer_id: str
    object_id: str
    values: Mapping[str, str]
    provenance: Mapping[str, str]


@dataclass(frozen=True)
class Origin:
    """Where the value of a property comes from, and the column that says by which rule it was made."""

    table: str
    column: str
    rule: str


def _columns(table: str) -> list[str]:
    """What is needed of a table: values, and the rules they were made by."""
    used = [name for origin in ORIGINS.values() if origin.table == table for name in (origin.column, origin.rule)]
    return list(dict.fromkeys(used))


ORIGINS: Mapping[Property, Origin] = {
    HEALTH_SCORE: Origin("health/customer_health", "health_score", "policy_hash"),
    HEALTH_STATUS: Origin("health/customer_health", "health_status", "policy_hash"),
    CHURN_RISK: Origin("health/customer_health", "churn_risk", "churn_risk_model"),
    RISK_SIGNALS: Origin("health/customer_health", "risk_signals", "policy_hash"),
    MRR: Origin("core/unified_customers", "mrr", "mrr_source"),
}
HEALTH_COLUMNS = ("customer_id", *_columns("health/customer_health"))
CUSTOMER_COLUMNS = ("customer_id", "hubspot_contact_id", *_columns("core/unified_customers"))


def plan(day: str, health: Iterable[Row], customers: Iterable[Row]) -> list[Desired]:
    """One for each customer that has a health row and a HubSpot contact, in the order of customer ids."""
    contacts = {row["customer_id"]: row for row in customers if row["hubspot_contact_id"]}
    judged = sorted((row for row in health if row["customer_id"] in contacts), key=lambda row: str(row["customer_id"]))
    return [_desired(day, contacts[row["customer_id"]], row) for row in judged]


def _desired(day: str, customer: Row, health: Row) -> Desired:
    rows = {"health/customer_health": health, "core/unified_customers": customer}
    values, provenance = {}, {}
    for property, origin in ORIGINS.items():
        row = rows[origin.table]
        # A score that is not known leaves what HubSpot holds; it does not wipe it.
        if (value := wire(row[origin.column])) is not None:
            values[property.name] = value
            provenance[property.name] = _provenance(origin.table, origin.column, row[origin.rule], day)
    return Desired(customer["customer_id"], str(customer["hubspot_contact_id"]), values, provenance)


@lru_cache(maxsize=1_000)
def _provenance(table: str, column: str, rule: str | None, day: str) -> str:
    """The same for thousands of values."""
    return json.dumps({"table": table, "column": column, "rule": rule, "day": day})
