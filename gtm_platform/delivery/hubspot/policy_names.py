"""The names in the policy's section on HubSpot: one that means nothing is refused when the platform loads.

A misspelt name would be as good as none: values would not wait, and what people wrote would be gone over.
"""

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from gtm_platform.delivery.hubspot.object_types import object_types
from gtm_platform.delivery.hubspot.stale import names_of
from gtm_platform.lake.contracts import TABLES
from gtm_platform.policy import HubSpot, Policy, PolicyError

UNKNOWN = "hubspot.{key}: {name!r} is {what}.{hint}"


def sources_read() -> set[str]:
    """Return the sources that declared a table."""
    return {table.split("/")[0] for table, contract in TABLES.items() if contract.cadence is not None}


def refuse_unknown_names(rules: Policy, sources: Collection[str]) -> None:
    """Raise where the policy names something for HubSpot that does not exist; all of it is named at once."""
    if mistakes := list(_mistakes(rules.hubspot, sources)):
        raise PolicyError("\n".join(mistakes))


def _mistakes(rules: HubSpot, sources: Collection[str]) -> Iterator[str]:
    types = {each.name: each for each in object_types()}
    yield from _unknown("names", rules.names, types, "no type of objects that is delivered")
    try:
        named = [each.named_by(rules) for each in types.values()]
    except LookupError as mistake:  # of a property of one of the types
        yield str(mistake)
        return
    freshness, properties = rules.freshness, {name for each in named for name in each.names}
    made_of = {name for each in named for property in each.properties for name in names_of(each, property)}
    no_value = "no table, column, type of objects or property that a value for HubSpot is made of"
    yield from _unknown("freshness.waiting", freshness.waiting, made_of, no_value)
    yield from _unknown("freshness.may_be_late", freshness.may_be_late, sources, "no source")
    yield from _unknown("conflicts.properties", rules.conflicts.properties, properties, "no property that is written")


def _unknown(key: str, names: Collection[str], possible: Collection[str], what: str) -> Iterator[str]:
    for name in names:
        if name not in possible:
            near = get_close_matches(name, possible, 1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Possible are, among others: {_some(possible)}."
            yield UNKNOWN.format(key=key, name=name, what=what, hint=hint)


def _some(possible: Collection[str]) -> str:
    return ", ".join(sorted(possible)[:5])
