"""The filters of a search, made into tests on records."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.inputs import Filter
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.standard import Definition
from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.hubspot.values import comparable
from gtm_platform.sandbox.kit.filters import COMPARISONS
from gtm_platform.sandbox.kit.render import unix_milliseconds as milliseconds

Value = float | str
Reader = Callable[[HubSpotRecord], Value | None]
Test = Callable[[HubSpotRecord], bool]


def definition_of(definitions: dict[str, Definition], name: str) -> Definition:
    """The definition of a property that a filter or a sort names."""
    if name not in definitions:
        raise RefusedError(400, f"There was a problem with the request: property {name} does not exist.")
    return definitions[name]


def reader(kind: Kind, definition: Definition) -> Reader:
    """How to read a property of a record as a value that compares."""
    name, value_type = definition["name"], definition["type"]
    if name == "hs_object_id":
        return lambda record: int(record.id)
    if name == kind.created:
        return lambda record: milliseconds(record.created)
    if name == kind.modified:
        return lambda record: milliseconds(record.updated)

    def read(record: HubSpotRecord) -> Value | None:
        text = record.properties.get(name)
        return None if text is None else comparable(value_type, text)

    return read


def test_of(kind: Kind, definitions: dict[str, Definition], condition: Filter) -> Test:
    """A record without a value passes no filter but NOT_HAS_PROPERTY."""
    definition = definition_of(definitions, condition.property_name)
    read = reader(kind, definition)
    match condition.operator:
        case "HAS_PROPERTY":
            return lambda record: read(record) is not None
        case "NOT_HAS_PROPERTY":
            return lambda record: read(record) is None
        case "BETWEEN":
            low, high = (_bound(definition, condition, text) for text in (condition.value, condition.high_value))
            return _between(read, low, high)
        case "IN" | "NOT_IN":
            return _among(read, definition, condition)
        case "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN":
            return _containing(read, condition)
        case name if name in COMPARISONS:
            return _comparing(read, COMPARISONS[name], _bound(definition, condition, condition.value))
    raise RefusedError(400, f"There was a problem with the request: unknown operator {condition.operator}.")


def _bound(definition: Definition, condition: Filter, text: str | None) -> Value:
    value = None if text is None else comparable(definition["type"], text)
    if value is None:
        place = f"{condition.operator} on {condition.property_name}"
        message = f"{place} needs a value of type {definition['type']}, not {text}."
        raise RefusedError(400, f"There was a problem with the request: {message}")
    return value


def _comparing(read: Reader, holds: Callable[[Any, Any], bool], bound: Value) -> Test:
    def test(record: HubSpotRecord) -> bool:
        value = read(record)
        return value is not None and holds(value, bound)

    return test


def _between(read: Reader, low: Any, high: Any) -> Test:
    def test(record: HubSpotRecord) -> bool:
        value: Any = read(record)
        return value is not None and low <= value <= high

    return test


def _among(read: Reader, definition: Definition, condition: Filter) -> Test:
    """String values are compared in lower case with the filter's as they stand: HubSpot expects those in lower case."""
    if not condition.values:
        raise RefusedError(400, f"There was a problem with the request: {condition.operator} needs values.")
    if definition["type"] == "string":
        bounds: set[Value] = set(condition.values)
    else:
        bounds = {_bound(definition, condition, text) for text in condition.values}
    several = definition["fieldType"] == "checkbox"
    inside = condition.operator == "IN"

    def test(record: HubSpotRecord) -> bool:
        value = read(record)
        if value is None:
            return False
        values = str(value).split(";") if several else [value]
        return any(each in bounds for each in values) == inside

    return test


def _containing(read: Reader, condition: Filter) -> Test:
    pattern = (condition.value or "").lower()
    inside = condition.operator == "CONTAINS_TOKEN"

    def test(record: HubSpotRecord) -> bool:
        value = read(record)
        return value is not None and _contains_token(str(value), pattern) == inside

    return test


def _contains_token(text: str, pattern: str) -> bool:
    """Whether the words of the pattern are among the words of the text; `*` stands for anything."""
    words = re.findall(r"\w+", text)
    if "*" in pattern:
        return any(fnmatchcase(word, pattern) for word in (text, *words))
    return set(re.findall(r"\w+", pattern)) <= set(words)
