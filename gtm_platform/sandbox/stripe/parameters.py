"""Reading parameters, in a query or a form: bracket nesting into a tree, and the typed values in it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.stripe.errors import StripeError, invalid

Value = str | dict[str, "Value"]
Parameters = dict[str, Value]

MAX_PAGE = 100


def parse(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """`created[gte]=1` nests; `types[]=a` and `types[0]=a` both make a numbered list."""
    root: Parameters = {}
    for name, value in pairs:
        *path, last = re.split(r"\]?\[", name.removesuffix("]"))
        node = root
        for step in path:
            child = node.setdefault(step, {})
            if isinstance(child, str):
                raise invalid(f"Invalid object: {step}", step)
            node = child
        node[last or str(len(node))] = value
    return root


def refuse_unknown(parameters: Parameters, allowed: Iterable[str]) -> None:
    """Refuse the first parameter that is not allowed."""
    for name in parameters:
        if name not in allowed:
            raise StripeError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def text(value: Value, name: str) -> str:
    """A parameter that is text."""
    if isinstance(value, dict):
        raise invalid("Invalid string: {...}", name)
    return value


def number(value: Value, name: str) -> int:
    """A parameter that is a whole number."""
    try:
        return int(text(value, name))
    except ValueError:
        raise invalid(f"Invalid integer: {value}", name, code="parameter_invalid_integer") from None


def page_size(parameters: Parameters) -> int:
    """The `limit` of a page, 10 when it is left out."""
    limit = number(parameters.get("limit", "10"), "limit")
    if limit < 1:
        raise invalid("This value must be greater than or equal to 1.", "limit", code="parameter_invalid_integer")
    if limit > MAX_PAGE:
        raise invalid(
            f"This value must be less than or equal to {MAX_PAGE}.", "limit", code="parameter_invalid_integer"
        )
    return limit


def flag(value: Value, name: str) -> bool:
    """A parameter that is true or false."""
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", name)
    return value == "true"


def choice(value: Value, name: str, allowed: Iterable[str]) -> str:
    """A parameter that is one of a few words."""
    chosen = text(value, name)
    if chosen not in allowed:
        raise invalid(f"Invalid {name}: must be one of {', '.join(sorted(allowed))}", name)
    return chosen


def texts(value: Value, name: str) -> list[str]:
    """A parameter that is a list of texts."""
    if isinstance(value, str) or not all(key.isdecimal() for key in value):
        raise invalid("Invalid array", name)
    return [text(each, name) for each in value.values()]


def expansions(parameters: Parameters) -> list[str]:
    """The paths of `expand`."""
    return texts(parameters["expand"], "expand") if "expand" in parameters else []


def nested(value: Value, name: str, allowed: Iterable[str]) -> Parameters:
    """A parameter that is an object with these keys."""
    if isinstance(value, str):
        raise invalid("Invalid object", name)
    refuse_unknown({f"{name}[{key}]": each for key, each in value.items()}, [f"{name}[{key}]" for key in allowed])
    return value


@dataclass(frozen=True)
class Span:
    """Whole Unix seconds from `start`, up to but without `stop`."""

    start: float = float("-inf")
    stop: float = float("inf")

    def __contains__(self, moment: datetime | None) -> bool:
        return moment is not None and self.start <= unix_seconds(moment) < self.stop


def span(value: Value, name: str) -> Span:
    """An instant, or the bounds of a span."""
    if isinstance(value, str):
        moment = number(value, name)
        return Span(moment, moment + 1)
    bounds = {
        key: number(each, f"{name}[{key}]") for key, each in nested(value, name, ("gt", "gte", "lt", "lte")).items()
    }
    starts = [bounds[key] + shift for key, shift in (("gt", 1), ("gte", 0)) if key in bounds]
    stops = [bounds[key] + shift for key, shift in (("lt", 0), ("lte", 1)) if key in bounds]
    return Span(max(starts, default=float("-inf")), min(stops, default=float("inf")))
