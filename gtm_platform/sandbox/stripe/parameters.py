"""Reading parameters, in a query or a form: bracket nesting into a tree, and the typed values in it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gtm_platform.sandbox.stripe.errors import StripeError, invalid
from gtm_platform.sandbox.stripe.wire import seconds

Value = str | dict[str, "Value"]
Tree = dict[str, Value]


def tree(pairs: Iterable[tuple[str, str]]) -> Tree:
    """`created[gte]=1` nests; `types[]=a` and `types[0]=a` both make a numbered list."""
    root: Tree = {}
    for name, value in pairs:
        *path, last = re.split(r"\]?\[", name.removesuffix("]"))
        node = root
        for step in path:
            below = node.setdefault(step, {})
            if isinstance(below, str):
                raise invalid(f"Invalid object: {step}", step)
            node = below
        node[last or str(len(node))] = value
    return root


def refuse_unknown(given: Tree, known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise StripeError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def text(value: Value, name: str) -> str:
    if isinstance(value, dict):
        raise invalid("Invalid string: {...}", name)
    return value


def number(value: Value, name: str) -> int:
    try:
        return int(text(value, name))
    except ValueError:
        raise invalid(f"Invalid integer: {value}", name, code="parameter_invalid_integer") from None


def flag(value: Value, name: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", name)
    return value == "true"


def choice(value: Value, name: str, allowed: Iterable[str]) -> str:
    chosen = text(value, name)
    if chosen not in allowed:
        raise invalid(f"Invalid {name}: must be one of {', '.join(sorted(allowed))}", name)
    return chosen


def texts(value: Value, name: str) -> list[str]:
    if isinstance(value, str) or not all(key.isdecimal() for key in value):
        raise invalid("Invalid array", name)
    return [text(each, name) for each in value.values()]


def nested(value: Value, name: str, known: Iterable[str]) -> Tree:
    if isinstance(value, str):
        raise invalid("Invalid object", name)
    refuse_unknown({f"{name}[{key}]": each for key, each in value.items()}, [f"{name}[{key}]" for key in known])
    return value


@dataclass(frozen=True)
class Span:
    """Whole Unix seconds from `start`, up to but without `stop`."""

    start: float = float("-inf")
    stop: float = float("inf")

    def __contains__(self, moment: datetime | None) -> bool:
        return moment is not None and self.start <= seconds(moment) < self.stop


def span(value: Value, name: str) -> Span:
    if isinstance(value, str):
        moment = number(value, name)
        return Span(moment, moment + 1)
    bounds = {
        key: number(each, f"{name}[{key}]") for key, each in nested(value, name, ("gt", "gte", "lt", "lte")).items()
    }
    starts = [bounds[key] + shift for key, shift in (("gt", 1), ("gte", 0)) if key in bounds]
    stops = [bounds[key] + shift for key, shift in (("lt", 0), ("lte", 1)) if key in bounds]
    return Span(max(starts, default=float("-inf")), min(stops, default=float("inf")))
