"""The query language of the search endpoints: from the JSON of a query to a condition on one record."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gtm_platform.sandbox.intercom.errors import IntercomError, invalid
from gtm_platform.sandbox.intercom.fields import Dialect, Field, Kind
from gtm_platform.sandbox.intercom.paging import FIRST

Condition = Callable[[Any], bool]
Interval = tuple[datetime, datetime]

MOST_FILTERS = 15
DEEPEST = 2
LAST = datetime.max.replace(tzinfo=UTC)
NEGATIONS = {"!=": "=", "NIN": "IN", "!~": "~"}


def condition(query: Any, dialect: Dialect, depth: int = 1) -> Condition:
    if not isinstance(query, dict):
        raise invalid("query must be an object", "query")
    if "field" in query:
        return _filter(query, dialect)
    parts, operator = query.get("value"), query.get("operator")
    if operator not in ("AND", "OR") or not isinstance(parts, list) or not parts:
        raise invalid("A group needs the operator AND or OR and a list of filters as its value", "query")
    if depth > DEEPEST:
        raise invalid(f"Filters can be nested {DEEPEST} levels deep at most", "query")
    if len(parts) > MOST_FILTERS:
        raise invalid(f"A group can hold {MOST_FILTERS} filters at most", "query")
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
    if kind in (Kind.DATE, Kind.NUMBER) and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    accepted: dict[Kind, tuple[type, ...]] = {Kind.BOOLEAN: (bool,), Kind.NUMBER: (int, float), Kind.DATE: (int,)}
    types = accepted.get(kind, (str,))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise invalid(f"The value for '{name}' must be of type {kind.value}", "value")
    return value


def _on_value(field: Field, operator: str, value: Any, dialect: Dialect) -> Condition:
    if value is None:
        return lambda held: held is None or held == []
    if field.kind is Kind.DATE:
        return _date(operator, value, dialect.timezone)
    if field.kind is Kind.NUMBER:
        return _number(operator, value, inclusive=dialect.timezone is None)
    if field.kind is Kind.BOOLEAN:
        return lambda held: held in (value if operator == "IN" else [value])
    return _text(operator, value)


def _text(operator: str, value: Any) -> Condition:
    """Without regard to case; of several values, one that fits is enough."""
    wanted = value if operator == "IN" else [value]
    parts = [each.casefold() for each in wanted if each is not None]
    compare: dict[str, Callable[[str], bool]] = {
        "=": lambda held: held in parts,
        "IN": lambda held: held in parts,
        "~": lambda held: parts[0] in held,
        "^": lambda held: held.startswith(parts[0]),
        "$": lambda held: held.endswith(parts[0]),
    }
    fits = compare[operator]

    def holds(held: Any) -> bool:
        several = held if isinstance(held, list) else [held]
        return any(fits(str(each).casefold()) for each in several if each is not None)

    return holds


def _number(operator: str, value: Any, inclusive: bool) -> Condition:
    compare: dict[str, Condition] = {
        "=": lambda held: bool(held == value),
        "IN": lambda held: held in value,
        ">": lambda held: bool(held >= value if inclusive else held > value),
        "<": lambda held: bool(held <= value if inclusive else held < value),
        ">=": lambda held: bool(held >= value),
        "<=": lambda held: bool(held <= value),
    }
    fits = compare[operator]
    return lambda held: held is not None and fits(held)


def _date(operator: str, value: Any, timezone: ZoneInfo | None) -> Condition:
    moments = [each for each in value if each is not None] if operator == "IN" else [value]
    intervals = [_interval(operator, moment, timezone) for moment in moments]
    if len(intervals) == 1:
        start, stop = intervals[0]
        return lambda held: held is not None and start <= held < stop
    return lambda held: held is not None and any(start <= held < stop for start, stop in intervals)


def _interval(operator: str, value: int, timezone: ZoneInfo | None) -> Interval:
    try:
        moment = datetime.fromtimestamp(value, UTC)
        start, stop = (moment, moment + timedelta(seconds=1)) if timezone is None else _day(moment, timezone)
    except (OverflowError, ValueError, OSError):
        raise IntercomError(400, "parameter_invalid", f"{value} is not a Unix timestamp", "value") from None
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
