"""Expanding: putting an object where its id stood, or a field that is only shown on demand.

Whether a path can be expanded depends on the kind of object and the API version alone, not on what a record holds;
`expandable` declares it.
"""

from collections.abc import Iterable
from typing import Any

from gtm_platform.sandbox.stripe.errors import StripeError
from gtm_platform.sandbox.stripe.expandable import ANY, FIELDS, Field, list_of
from gtm_platform.sandbox.stripe.versions import Renderer
from gtm_platform.sandbox.stripe.wire import Shape

MAX_DEPTH = 4


def expand(shape: Shape, kind: str, paths: Iterable[str], renderer: Renderer) -> None:
    """Expand all paths of a shape of this kind, or refuse the first that cannot be."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAX_DEPTH:
            raise StripeError(400, f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}")
        fields = _fields(kind, steps, renderer.version)
        if fields is None:
            raise _refusal(kind, path)
        _open(shape, list(zip(steps, fields, strict=True)), renderer)


def _fields(kind: str, steps: list[str], version: str) -> list[Field] | None:
    """The field of each step, or nothing when a step leads nowhere."""
    fields = []
    for step in steps:
        field = Field(ANY) if kind == ANY else FIELDS[kind].get(step)
        if field is None or not field.exists_in(version):
            return None
        fields.append(field)
        kind = field.kind
    return fields


def _open(node: Any, steps: list[tuple[str, Field]], renderer: Renderer) -> None:
    if isinstance(node, list):
        for each in node:
            _open(each, steps, renderer)
    elif isinstance(node, dict) and steps and not node.get("deleted"):
        (name, field), *rest = steps
        if field.expand and _is_closed(node, name):
            value = field.expand(node, renderer)
            if value is not None:  # a price without tiers has no such field, expanded or not
                node[name] = value
        _open(node.get(name), rest, renderer)


def _is_closed(node: Shape, name: str) -> bool:
    """Absent, an id, or a list of ids."""
    value = node.get(name, name)
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def _refusal(kind: str, path: str) -> StripeError:
    message = f"This property cannot be expanded ({path})."
    if kind.startswith(list_of("")) and not path.startswith("data."):
        message += f" You may want to try expanding 'data.{path}' instead."
    return StripeError(400, message)
