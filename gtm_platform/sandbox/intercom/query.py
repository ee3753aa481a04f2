"""The query language of the search endpoints: from the JSON of a query to a condition on one record."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gtm_platform.sandbox.intercom.errors import invalid
from gtm_platform.sandbox.intercom.fields import Dialect, Field, Kind
from gtm_platform.sandbox.intercom.paging import FIRST

Condition = Callable[[Any], bool]
Interval = tuple[datetime, datetime]

MAX_FILTERS = 15
MAX_DEPTH = 2
LAST = datetime.max.replace(tzinfo=UTC)
_WHOLE = re.compile(r"-?\d{1,15}(\.0*)?")

NEGATIONS = {"!=": "=", "NIN": "IN", "!~": "~"}


def condition(query: Any, dialect: Dialect, depth: int = 1) -> Condition:
    """The condition that a query states, or its refusal."""
    if not isinstance(query, dict):
        raise invalid("query must be an object", "query")
    if "field" in query:
        return _filter(query, dialect)
    parts, operator = query.get("value"), query.get("operator")
    if operator not in ("AND", "OR") or not isinstance(parts, list) or not parts:
        raise invalid("A group needs the operator AND or OR and a list of filters as its value", "query")
    if depth > MAX_DEPTH:
        raise invalid(f"Filters can be nested {MAX_DEPTH} levels deep at most", "query")
    if len(parts) > MAX_FILTERS:
        raise invalid(f"A group can hold {MAX_FILTERS} filters at most", "query")
    conditions = [condition(part, dialect, depth + 1) for part in parts]
    if len(conditions) == 1:
        return conditions[0]
    combine = all if operator == "AND" else any
    return lambda record: combine(holds(record) for holds in conditions)


def _filter(query: dict[str, Any], dialect: Dialect) -> Condition:
    name, operator, value = query["field"], query.get("operator"), query.get("value")
    field = dialect.field(name) if isinstance(name, str) else None
    if field is None:
        raise invalid(f"'{name}' is not a searchable field", "field")
    if not isinstance(operator, str) or operator not in dialect.operators[field.kind]:
        raise invalid(
            f"The operator '{operator}' is not supported on the {field.kind.value} field '{name}'", "operator"
        )
    positive = NEGATIONS.get(operator, operator)
    holds = _on_value(field, positive, _typed(value, positive, field.kind, name), dialect)
    read = field.read
    if operator in NEGATIONS:
        return lambda record: not holds(read(record))
    return lambda record: holds(read(record))


def _typed(value: Any, operator: str, kind: Kind, name: str) -> Any:
    if operator == "IN":
        if not isinstance(value, list):
            raise invalid(f"The value for '{name}' must be an array", "value")
        return [_typed(each, "=", kind, name) for each in value]
    if value is None and operator == "=":
        return None
    if kind is Kind.DATE:
        return unix_timestamp(value, "value", f"The value for '{name}' must be of type {kind.value}")
    if kind is Kind.NUMBER and isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(float(value))
    accepted: dict[Kind, tuple[type, ...]] = {Kind.BOOLEAN: (bool,), Kind.NUMBER: (int, float)}
    types = accepted.get(kind, (str,))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise invalid(f"The value for '{name}' must be of type {kind.value}", "value")
    return value


def unix_timestamp(value: Any, field: str, message: str = "") -> int:
    """Whole seconds since 1970: as a whole number, also one with a decimal point, or as the text of one."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(message or f"{field} must be a Unix timestamp", field)
    return value


def _on_value(field: Field, operator: str, value: Any, dialect: Dialect) -> Condition:
    if value is None:
        return lambda actual: actual is None or actual == []
    if field.kind is Kind.DATE:
        return _date(operator, value, dialect.timezone)
    if field.kind is Kind.NUMBER:
        return _number(operator, value, inclusive=dialect.timezone is None)
    if field.kind is Kind.BOOLEAN:
        return lambda actual: actual in (value if operator == "IN" else [value])
    return _text(operator, value)


def _text(operator: str, value: Any) -> Condition:
    """Without regard to case; of several values, one that fits is enough."""
    values = value if operator == "IN" else [value]
    parts = [each.casefold() for each in values if each is not None]
    compare: dict[str, Callable[[str], bool]] = {
        "=": lambda actual: actual in parts,
        "IN": lambda actual: actual in parts,
        "~": lambda actual: parts[0] in actual,
        "^": lambda actual: actual.startswith(parts[0]),
        "$": lambda actual: actual.endswith(parts[0]),
    }
    fits = compare[operator]

    def holds(actual: Any) -> bool:
        several = actual if isinstance(actual, list) else [actual]
        return any(fits(str(each).casefold()) for each in several if each is not None)

    return holds


def _number(operator: str, value: Any, inclusive: bool) -> Condition:
    compare: dict[str, Condition] = {
        "=": lambda actual: bool(actual == value),
        "IN": lambda actual: actual in value,
        ">": lambda actual: bool(actual >= value if inclusive else actual > value),
        "<": lambda actual: bool(actual <= value if inclusive else actual < value),
        ">=": lambda actual: bool(actual >= value),
        "<=": lambda actual: bool(actual <= value),
    }
    fits = compare[operator]
    return lambda actual: actual is not None and fits(actual)


def _date(operator: str, value: Any, timezone: ZoneInfo | None) -> Condition:
    moments = [each for each in value if each is not None] if operator == "IN" else [value]
    intervals = [_interval(operator, moment, timezone) for moment in moments]
    if len(intervals) == 1:
        start, stop = intervals[0]
        return lambda actual: actual is not None and start <= actual < stop
    return lambda actual: actual is not None and any(start <= actual < stop for start, stop in intervals)


def _interval(operator: str, value: int, timezone: ZoneInfo | None) -> Interval:
    try:
        moment = datetime.fromtimestamp(value, UTC)
        start, stop = (moment, moment + timedelta(seconds=1)) if timezone is None else _day(moment, timezone)
    except (OverflowError, ValueError, OSError):
        raise invalid(f"{value} is not a Unix timestamp", "value") from None
    if operator in (">", ">="):
        return (start if timezone is None else stop), LAST
    if operator in ("<", "<="):
        return FIRST, (stop if timezone is None else start)
    return start, stop


def _day(moment: datetime, timezone: ZoneInfo) -> Interval:
    """The calendar day that holds the moment, in the timezone."""
    day = moment.astimezone(timezone).date()
    start, stop = (datetime.combine(each, time(), timezone) for each in (day, day + timedelta(days=1)))
    return start.astimezone(UTC), stop.astimezone(UTC)
