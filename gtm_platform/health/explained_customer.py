"""The explanation of a customer's score out of the lake: who is meant, the rows of the day, the rules of the day."""

from dataclasses import dataclass
from typing import Any

import ibis

from gtm_platform.health import customer_health, score_changes
from gtm_platform.health.explanation import Explanation, explained
from gtm_platform.health.rules import policy_of
from gtm_platform.identity import people as identity_people
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy

PEOPLE = identity_people.TABLE.key
HEALTH = customer_health.TABLE.key
CHANGES = score_changes.TABLE.key
FACTS = ("core/profile", "core/revenue", "core/activity", "core/support")


@dataclass(frozen=True)
class ExplainedCustomer:
    """Whose score is explained, as people call it, and the explanation."""

    name: str
    explanation: Explanation


def explain_customer(lake: Lake, address: str, day: str | None = None) -> ExplainedCustomer:
    """Explain the score of the customer with an address, or an id, on a day; by default the newest."""
    days = lake.partitions(HEALTH)
    if not days:
        raise LookupError("No health was computed in this home yet. Begin with `gtm demo`, or `gtm ui`.")
    day = day or days[-1]
    if day not in days:
        raise LookupError(f"There is no health of {day}; the days reach from {days[0]} to {days[-1]}.")
    person = _person(lake, address, day)
    row = _row(lake, HEALTH, day, person["customer_id"])
    if row is None:
        raise LookupError(f"{address} is no current customer on {day}: only those have health.")
    facts: dict[str, Any] = {}
    for table in FACTS:
        facts |= _row(lake, table, day, person["customer_id"]) or {}
    name = f"{facts.get('name') or 'somebody without a name'} <{person['email']}>, {person['customer_id']}"
    made_with = policy_of(lake, row["policy_hash"])
    changes = _rows(lake, CHANGES, day, person["customer_id"])
    in_force = row["policy_hash"] == policy().hash
    return ExplainedCustomer(name, explained(row, facts, made_with, changes, rules_in_force=in_force))


def _person(lake: Lake, address: str, day: str) -> dict[str, Any]:
    people = lake.partition(PEOPLE, day)
    normalised = address.strip().lower()
    matches = people.filter(people["all_emails"].contains(normalised) | (people["customer_id"] == address.strip()))
    rows: list[dict[str, Any]] = matches.select("customer_id", "email").to_pyarrow().to_pylist()
    if not rows:
        raise LookupError(f"Nobody has the address {address} on {day}.")
    if len(rows) > 1:
        ids = ", ".join(sorted(row["customer_id"] for row in rows))
        raise LookupError(f"Several people share {address}: {ids}. Name one of them by its id.")
    return rows[0]


def _row(lake: Lake, table: str, day: str, customer_id: str) -> dict[str, Any] | None:
    return next(iter(_rows(lake, table, day, customer_id)), None)


def _rows(lake: Lake, table: str, day: str, customer_id: str) -> list[dict[str, Any]]:
    rows: ibis.Table = lake.partition(table, day)
    matches: list[dict[str, Any]] = rows.filter(rows["customer_id"] == customer_id).to_pyarrow().to_pylist()
    return matches
