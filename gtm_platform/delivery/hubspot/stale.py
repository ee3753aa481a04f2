"""Which properties wait because a source that their values are made of is past its freshness, and why."""

from collections.abc import Callable, Mapping
from datetime import datetime

from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.properties import Property
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.source_columns import SourceColumn, SourceColumns
from gtm_platform.policy import Policy
from gtm_platform.policy.hubspot import ValueFreshness
from gtm_platform.quality.freshness import late_tables

Needs = Callable[[str, str], set[SourceColumn]]  # a table and a column of it


def stale_properties(
    object_type: ObjectType, rules: ValueFreshness, late: Mapping[str, str], needs: Needs
) -> dict[str, str]:
    """Return the properties that wait, each with the reason; `late` has a sentence for each late table."""
    if not late:
        return {}
    stale: dict[str, str] = {}
    for property in object_type.properties:
        if not rules.waits(names_of(object_type, property)):
            continue
        tables = {table for table, _ in needs(property.origin.table, property.origin.column)}
        if sentences := [late[table] for table in sorted(tables & late.keys())]:
            stale[property.name] = f"{property.name} waits for fresh data: {sentences[0]}"
    return stale


def names_of(object_type: ObjectType, property: Property) -> set[str]:
    """Return the names by which the policy may mean a property."""
    table, column = property.origin.table, property.origin.column
    return {property.name, object_type.name, f"{object_type.name}.{property.name}", table, f"{table}.{column}"}


def stale_now(
    object_type: ObjectType, lake: Lake, rules: Policy, now: datetime, lineage: SourceColumns
) -> dict[str, str]:
    """Return the properties that wait at this moment."""
    spared = rules.hubspot.freshness.may_be_late
    late = {each.table: each.sentence(now) for each in late_tables(lake, rules, now) if each.source not in spared}
    return stale_properties(
        object_type, rules.hubspot.freshness, late, lambda table, column: lineage.of(table, [column])
    )
