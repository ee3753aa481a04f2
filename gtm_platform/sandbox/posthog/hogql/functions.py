"""The functions and aggregates that queries may use, by their names in HogQL."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def instant(value: Any) -> datetime | None:
    """A value as an instant; a bare text is in the project's time zone, which is UTC here."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    if isinstance(value, (int, float)):
        return EPOCH + timedelta(seconds=value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"Cannot parse datetime {value!r}.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def day(value: Any) -> date | None:
    """A value as a day in UTC."""
    moment = instant(value)
    return moment.date() if moment else None


def text(value: Any) -> str | None:
    """A value as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Two values in a form in which they can be compared."""
    if type(left) is type(right) and not isinstance(left, tuple):
        return left, right
    if isinstance(left, tuple) and isinstance(right, tuple):
        pairs = [comparable(a, b) for a, b in zip(left, right, strict=True)]
        return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
    if isinstance(left, datetime) or isinstance(right, datetime):
        return instant(left), instant(right)
    if isinstance(left, date) or isinstance(right, date):
        return day(left), day(right)
    if isinstance(left, str) != isinstance(right, str):
        return text(left), text(right)
    return left, right


def compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    """A comparison that is null if one of the values is."""

    def compared(left: Any, right: Any) -> bool | None:
        if left is None or right is None:
            return None
        return test(*comparable(left, right))

    return compared


def like(value: Any, pattern: Any, flags: int = 0) -> bool | None:
    """SQL's LIKE."""
    if value is None:
        return None
    expression = re.escape(str(pattern)).replace("%", ".*").replace("_", ".")
    return re.fullmatch(expression, str(value), flags | re.DOTALL) is not None


def _is_in(value: Any, items: Any) -> bool | None:
    several = items if isinstance(items, tuple) else (items,)
    return None if value is None else any(a == b for a, b in (comparable(value, item) for item in several))


def _whole(value: Any) -> int | None:
    try:
        return None if value is None else int(float(value))
    except ValueError:
        return None


def _float(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _difference(unit: Any, first: Any, last: Any) -> int | None:
    begin, end = instant(first), instant(last)
    if begin is None or end is None:
        return None
    if unit == "day":
        return (end.date() - begin.date()).days
    return int((end - begin).total_seconds() // _UNITS[str(unit)])


def _plus(left: Any, right: Any) -> Any:
    return None if left is None or right is None else left + right


def _minus(left: Any, right: Any) -> Any:
    return None if left is None or right is None else left - right


def _json_text(properties: Any, key: Any) -> str:
    values = json.loads(properties) if isinstance(properties, str) else properties
    return text(values.get(key)) or ""


def _element(items: Any, place: int) -> Any:
    """Of a list its element, counted from one or from behind; beyond its ends a text that is empty."""
    return items[place - 1 if place > 0 else place] if 0 < abs(place) <= len(items or ()) else ""


def _domain(value: Any) -> str:
    return str(value or "").partition("://")[2].partition("/")[0]


def _multi_if(*arguments: Any) -> Any:
    for place in range(0, len(arguments) - 1, 2):
        if arguments[place]:
            return arguments[place + 1]
    return arguments[-1]


def _truncated(**parts: int) -> Callable[[Any], datetime | None]:
    return lambda value: moment.replace(**parts) if (moment := instant(value)) else None  # type: ignore[arg-type]


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "=": compare(lambda a, b: a == b),
    "!=": compare(lambda a, b: a != b),
    "<": compare(lambda a, b: a < b),
    "<=": compare(lambda a, b: a <= b),
    ">": compare(lambda a, b: a > b),
    ">=": compare(lambda a, b: a >= b),
    "+": _plus,
    "-": _minus,
    "*": lambda a, b: None if a is None or b is None else a * b,
    "/": lambda a, b: None if a is None or not b else a / b,
    "%": lambda a, b: None if a is None or not b else a % b,
    "negate": lambda a: -a,
    "not": lambda a: None if a is None else not a,
    "in": _is_in,
    "like": like,
    "ilike": lambda a, b: like(a, b, re.IGNORECASE),
    "isnull": lambda a: a is None,
    "isnotnull": lambda a: a is not None,
    "interval": lambda amount, unit: timedelta(seconds=amount * _UNITS[unit]),
    "tuple": lambda *items: items,
    "todatetime": lambda value, zone="UTC": instant(value),  # noqa: ARG005
    "todatetime64": lambda value, places=3, zone="UTC": instant(value),  # noqa: ARG005
    "totimezone": lambda value, zone: instant(value),  # noqa: ARG005
    "todate": day,
    "tostartofday": _truncated(hour=0, minute=0, second=0, microsecond=0),
    "tostartofhour": _truncated(minute=0, second=0, microsecond=0),
    "tostartofmonth": _truncated(day=1, hour=0, minute=0, second=0, microsecond=0),
    "tounixtimestamp": lambda value: int(moment.timestamp()) if (moment := instant(value)) else None,
    "datediff": _difference,
    "tostring": text,
    "touuid": lambda value: None if value is None else str(value).lower(),
    "toint": _whole,
    "tofloat": _float,
    "tobool": lambda value: None if value is None else str(value).lower() in ("true", "1"),
    "lower": lambda value: None if value is None else str(value).lower(),
    "upper": lambda value: None if value is None else str(value).upper(),
    "trim": lambda value: None if value is None else str(value).strip(),
    "length": lambda value: None if value is None else len(value),
    "concat": lambda *parts: None if None in parts else "".join(str(text(part)) for part in parts),
    "substring": lambda value, start, size=None: (
        None if value is None else str(value)[start - 1 : None if size is None else start - 1 + size]
    ),
    "splitbychar": lambda sign, value: [] if value is None else str(value).split(sign),
    "arrayelement": _element,
    "has": lambda items, value: value in items,
    "domain": _domain,
    "jsonextractstring": _json_text,
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "ifnull": lambda value, other: other if value is None else value,
    "nullif": lambda value, other: None if value == other else value,
    "empty": lambda value: not value,
    "notempty": lambda value: bool(value),
    "if": lambda condition, yes, no: yes if condition else no,
    "multiif": _multi_if,
    "greatest": lambda *values: max(value for value in values if value is not None),
    "least": lambda *values: min(value for value in values if value is not None),
}


def _present(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[Any]) -> float | None:
    present = _present(values)
    return sum(present) / len(present) if present else None


def _zero_of(values: Sequence[Any]) -> Any:
    """Of nothing, ClickHouse's extremes are the type's zero: 1970 for instants, as most are asked of those."""
    return EPOCH if not values else None


# An aggregate takes the values of its first argument, and of the second where it has one.
AGGREGATES: Mapping[str, Callable[..., Any]] = {
    "count": lambda values: len(_present(values)),
    "sum": lambda values: sum(_present(values)),
    "avg": _mean,
    "min": lambda values: min(_present(values), default=_zero_of(values)),
    "max": lambda values: max(_present(values), default=_zero_of(values)),
    "any": lambda values: next(iter(_present(values)), None),
    "anylast": lambda values: next(reversed(_present(values)), None),
    "uniq": lambda values: len(set(_present(values))),
    "uniqexact": lambda values: len(set(_present(values))),
    "grouparray": lambda values: _present(values),
    "groupuniqarray": lambda values: sorted(set(_present(values))),
    "argmax": lambda values, by: max(zip(by, range(len(by)), values, strict=True))[2] if values else None,
    "argmin": lambda values, by: min(zip(by, range(len(by)), values, strict=True))[2] if values else None,
}
