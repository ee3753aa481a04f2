"""What HubSpot is to hold: one `Desired` for each contact, out of the day's health and customers. It is made column by
column, as most values are those of thousands of customers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import ibis

from gtm_platform.delivery.hubspot.properties import (
    CHURN_RISK,
    HEALTH_SCORE,
    HEALTH_STATUS,
    MRR,
    RISK_SIGNALS,
    Property,
    wired,
)


class Desired(NamedTuple):
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
NAMES = tuple(property.name for property in ORIGINS)
HEALTH_COLUMNS = ("customer_id", *_columns("health/customer_health"))
CUSTOMER_COLUMNS = ("customer_id", "hubspot_contact_id", *_columns("core/unified_customers"))


def plan(day: str, health: ibis.Table, customers: ibis.Table) -> list[Desired]:
    """One for each customer that has a health row and a HubSpot contact, in the order of customer ids."""
    reached = customers.select(*CUSTOMER_COLUMNS).filter(customers["hubspot_contact_id"] != "")
    both = health.select(*HEALTH_COLUMNS).join(reached, "customer_id").order_by("customer_id")
    rows = both.to_pyarrow().to_pydict()
    values = zip(*(wired(rows[origin.column]) for origin in ORIGINS.values()), strict=True)
    rules = zip(*(rows[origin.rule] for origin in ORIGINS.values()), strict=True)
    each = zip(rows["customer_id"], rows["hubspot_contact_id"], values, rules, strict=True)
    return [Desired(customer, contact, _known(told), _provenance(day, by)) for customer, contact, told, by in each]


def _known(values: tuple[str | None, ...]) -> dict[str, str]:
    """A score that is not known leaves what HubSpot holds; it does not wipe it."""
    return {name: value for name, value in zip(NAMES, values, strict=True) if value is not None}


@lru_cache(maxsize=1_000)
def _provenance(day: str, rules: tuple[str | None, ...]) -> dict[str, str]:
    """The same for thousands of customers."""
    return {
        property.name: json.dumps({"table": origin.table, "column": origin.column, "rule": rule, "day": day})
        for (property, origin), rule in zip(ORIGINS.items(), rules, strict=True)
    }
