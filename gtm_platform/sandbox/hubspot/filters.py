"""The filters of a search, made into tests on records."""

import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.inputs import Filter
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.standard import Definition
from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.hubspot.values import comparable, milliseconds

Value = float | str
Reader = Callable[[HubSpotRecord], Value | None]
Test = Callable[[HubSpotRecord], bool]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "NEQ": operator.ne,
    "LT": operator.lt,
    "LTE": operator.le,
    "GT": operator.gt,
    "GTE": operator.ge,
}


def definition_of(known: dict[str, Definition], name: str) -> Definition:
    if name not in known:
        raise RefusedError(400, f"There was a problem with the request: property {name} does not exist.")
    return known[name]


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


def test_of(kind: Kind, known: dict[str, Definition], asked: Filter) -> Test:
    """A record without a value passes no filter but NOT_HAS_PROPERTY."""
    definition = definition_of(known, asked.property_name)
    read = reader(kind, definition)
    match asked.operator:
        case "HAS_PROPERTY":
            return lambda record: read(record) is not None
        case "NOT_HAS_PROPERTY":
            return lambda record: read(record) is None
        case "BETWEEN":
            return _between(read, _wanted(definition, asked, asked.value), _wanted(definition, asked, asked.high_value))
        case "IN" | "NOT_IN":
            return _among(read, definition, asked)
        case "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN":
            return _containing(read, asked)
        case name if name in _COMPARISONS:
            return _comparing(read, _COMPARISONS[name], _wanted(definition, asked, asked.value))
    raise RefusedError(400, f"There was a problem with the request: unknown operator {asked.operator}.")


def _wanted(definition: Definition, asked: Filter, text: str | None) -> Value:
    value = None if text is None else comparable(definition["type"], text)
    if value is None:
        message = f"{asked.operator} on {asked.property_name} needs a value of type {definition['type']}, not {text}."
        raise RefusedError(400, f"There was a problem with the request: {message}")
    return value


def _comparing(read: Reader, holds: Callable[[Any, Any], bool], wanted: Value) -> Test:
    def test(record: HubSpotRecord) -> bool:
        value = read(record)
        return value is not None and holds(value, wanted)

    return test


def _between(read: Reader, low: Any, high: Any) -> Test:
    def test(record: HubSpotRecord) -> bool:
        value: Any = read(record)
        return value is not None and low <= value <= high

    return test


def _among(read: Reader, definition: Definition, asked: Filter) -> Test:
    """String values are compared in lower case with what was asked for as it stands: HubSpot wants it lower-cased."""
    if not asked.values:
        raise RefusedError(400, f"There was a problem with the request: {asked.operator} needs values.")
    if definition["type"] == "string":
        wanted: set[Value] = set(asked.values)
    else:
        wanted = {_wanted(definition, asked, text) for text in asked.values}
    several = definition["fieldType"] == "checkbox"
    inside = asked.operator == "IN"

    def test(record: HubSpotRecord) -> bool:
        value = read(record)
        if value is None:
            return False
        held = str(value).split(";") if several else [value]
        return any(one in wanted for one in held) == inside

    return test


def _containing(read: Reader, asked: Filter) -> Test:
    pattern = (asked.value or "").lower()
    inside = asked.operator == "CONTAINS_TOKEN"

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
