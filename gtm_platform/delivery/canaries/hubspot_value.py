"""The one value that a canary's contact in HubSpot gets: what the platform knows of it, day by day.

None of the properties that people's lists go by is written there, so that no list of theirs has a canary in it.
"""

import json
from dataclasses import replace
from typing import Any

from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.properties import Origin, text
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Canaries

OF_TYPE = "contacts"


def with_canaries(
    object_type: ObjectType, desired: list[DesiredRecord], store: Lake, day: str, rules: Canaries
) -> tuple[ObjectType, list[DesiredRecord]]:
    """Return a type with the property of canaries, and what objects are to hold with that of canaries."""
    if object_type.name != OF_TYPE or not (rules.domains and rules.hubspot_property):
        return object_type, desired
    origin = Origin(CUSTOMERS, "customer_status", "policy_hash")
    about = "What the platform last knew of a synthetic customer that shows that everything works."
    property = text(rules.hubspot_property, "Canary", about, origin)
    by = {"table": CUSTOMERS, "column": origin.column, "rule": "canary", "day": day}
    provenance = {property.name: json.dumps(by)}
    records = [
        DesiredRecord(row["customer_id"], row["hubspot_contact_id"], {property.name: _value(row, day)}, provenance)
        for row in _rows(store, day)
    ]
    return replace(object_type, properties=(*object_type.properties, property)), [*desired, *records]


def _rows(store: Lake, day: str) -> list[dict[str, Any]]:
    table = store.reading("only").partition(CUSTOMERS, day)
    columns = ("customer_id", "hubspot_contact_id", "customer_status", "health_score", "risk_signals")
    rows: list[dict[str, Any]] = table.select(*columns).to_pyarrow().to_pylist()
    return sorted((row for row in rows if row["hubspot_contact_id"]), key=lambda row: row["customer_id"])


def _value(row: dict[str, Any], day: str) -> str:
    signals = ", ".join(row["risk_signals"] or ())
    score = f", health {row['health_score']}" if row["health_score"] is not None else ""
    return f"{day}: {row['customer_status']}{score}{f' ({signals})' if signals else ''}"
