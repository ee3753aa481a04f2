"""Filters of a list by query parameters, declared as a table of parameter and test. Search languages are a system's
own; of them only the comparisons are shared.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.render import EPOCH, MILLISECOND

R = TypeVar("R")
Test = Callable[[Any], bool]
ParameterFilter = Callable[[str, str], Test]  # parameter, its value -> the test of a record
Read = Callable[[Any], Any]  # a record -> the value that is compared

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "NEQ": operator.ne,
    "LT": operator.lt,
    "LTE": operator.le,
    "GT": operator.gt,
    "GTE": operator.ge,
}


def matching(
    records: Iterable[R], parameters: Mapping[str, str], filters: Mapping[str, ParameterFilter]
) -> Iterator[R]:
    """The records that pass every filter whose parameter was sent."""
    tests = [make(name, parameters[name]) for name, make in filters.items() if name in parameters]
    return (record for record in records if all(test(record) for test in tests))


def equals(read: Read) -> ParameterFilter:
    """The value as text is the same."""
    return lambda _, text: lambda record: str(read(record)) == text


def among(read: Read) -> ParameterFilter:
    """The value as text is one of several, separated by commas."""

    def make(_: str, text: str) -> Test:
        values = set(text.split(","))
        return lambda record: str(read(record)) in values

    return make


def contains(read: Read) -> ParameterFilter:
    """The text is somewhere in the value, in any case."""
    return lambda _, text: lambda record: text.lower() in str(read(record) or "").lower()


def is_flag(read: Read) -> ParameterFilter:
    """The value is true or false, as the parameter says."""

    def make(name: str, text: str) -> Test:
        if text.lower() not in ("true", "false"):
            raise BadParameterError(name, f"{name} must be true or false, not {text}.")
        expected = text.lower() == "true"
        return lambda record: bool(read(record)) is expected

    return make


def compared(comparison: str, read: Read) -> ParameterFilter:
    """The instant compares so with the parameter's; a record without an instant does not pass."""
    compare = COMPARISONS[comparison]

    def make(name: str, text: str) -> Test:
        bound = parse_instant(text)
        if bound is None:
            raise BadParameterError(name, f"{name} must be an instant, not {text}.")
        return lambda record: (value := read(record)) is not None and compare(value, bound)

    return make


def parse_instant(text: str) -> datetime | None:
    """Parse ISO 8601, or seconds or milliseconds (12 digits or more) since 1970; None if it is neither."""
    try:
        if text.lstrip("-").isdigit():
            unit = MILLISECOND if len(text) >= 12 else 1000 * MILLISECOND
            return EPOCH + int(text) * unit
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
