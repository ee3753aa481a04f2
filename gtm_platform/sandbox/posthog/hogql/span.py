"""Which rows a condition can hold for at all: of which time, which events, and which persons."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Any

from gtm_platform.sandbox.posthog.hogql.functions import day, instant
from gtm_platform.sandbox.posthog.hogql.meaning import Meaning
from gtm_platform.sandbox.posthog.hogql.tree import Call, Expression, Name, SyntaxProblem

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)
_TIMESTAMP, _EVENT, _PERSON = Name(("timestamp",)), Name(("event",)), Name(("person_id",))


@dataclass(frozen=True)
class Span:
    """From when to when rows are wanted, both included, of which events, and of which persons."""

    first: datetime = FIRST
    last: datetime = LAST
    events: frozenset[str] | None = None  # None: all
    after: str = ""  # the lowest uuid, and the highest one
    until: str | None = None

    def has(self, event: str) -> bool:
        """Whether events of this name are wanted."""
        return self.events is None or event in self.events

    def has_person(self, uuid: str) -> bool:
        """Whether the events of a person are wanted."""
        return self.after <= uuid and (self.until is None or uuid <= self.until)

    def both(self, other: "Span") -> "Span":
        """What two conditions leave that both hold."""
        bounds = [each.events for each in (self, other) if each.events is not None]
        return Span(
            max(self.first, other.first),
            min(self.last, other.last),
            frozenset.intersection(*bounds) if bounds else None,
            max(self.after, other.after),
            min((each.until for each in (self, other) if each.until is not None), default=None),
        )

    def either(self, other: "Span") -> "Span":
        """What two conditions leave of which one holds."""
        return Span(
            min(self.first, other.first),
            max(self.last, other.last),
            None if self.events is None or other.events is None else self.events | other.events,
            min(self.after, other.after),
            None if self.until is None or other.until is None else max(self.until, other.until),
        )

    def days(self) -> Iterator["Span"]:
        """The parts of the span by the day."""
        start = self.first
        while start <= self.last:
            end = datetime.combine(start.date() + _DAY, time(), UTC)
            yield replace(self, first=start, last=min(self.last, end - _INSTANT))
            start = end


def span_of(condition: Expression | None, meaning: Meaning) -> Span:
    """What a condition leaves, as far as it says so by comparing columns with values."""
    if not isinstance(condition, Call):
        return Span()
    function = condition.function.lower()
    if function in ("and", "or"):
        combine: Callable[[Span, Span], Span] = Span.both if function == "and" else Span.either
        return reduce(combine, [span_of(each, meaning) for each in condition.arguments])
    if len(condition.arguments) != 2:
        return Span()
    left, right = condition.arguments
    if function == "has":
        left, right = right, left
    value = _constant(right, meaning)
    if value is None or (isinstance(left, Name) and not meaning.is_column(left)):
        return Span()
    if left == _EVENT:
        return _named(function, value)
    if left == _PERSON and isinstance(value, str):
        return Span(
            after=value if function in (">", ">=", "=") else "", until=value if function in ("<", "<=", "=") else None
        )
    if left == _TIMESTAMP and (at := instant(value)):
        return _within(function, at, at)
    if is_day(left, meaning) and (on := day(value)):
        return _on_days(function, on)
    return Span()


def is_day(expression: Expression, meaning: Meaning) -> bool:
    """Whether an expression is the day in UTC on which an event happened."""
    if not isinstance(expression, Call) or expression.function.lower() != "todate":
        return False
    inner = expression.arguments[0]
    if isinstance(inner, Call) and inner.function.lower() == "totimezone":
        inner = inner.arguments[0]
    return inner == _TIMESTAMP and meaning.is_column(_TIMESTAMP)


def _constant(expression: Expression, meaning: Meaning) -> Any:
    """The value of an expression that does not depend on the row; None of one that does."""
    try:
        return meaning.of_row(expression)(None)
    except (AttributeError, SyntaxProblem, TypeError):
        return None


def _named(function: str, value: Any) -> Span:
    names = value if isinstance(value, (tuple, list)) else (value,)
    if function in ("=", "in", "has") and all(isinstance(name, str) for name in names):
        return Span(events=frozenset(names))
    return Span()


def _within(function: str, first: datetime, last: datetime) -> Span:
    return Span(first if function in (">", ">=", "=") else FIRST, last if function in ("<", "<=", "=") else LAST)


def _on_days(function: str, on: date) -> Span:
    midnight = datetime.combine(on, time(), UTC)
    start, end = (midnight + _DAY if function == ">" else midnight), midnight + _DAY - _INSTANT
    return _within(function, start, midnight - _INSTANT if function == "<" else end)
