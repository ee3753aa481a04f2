"""The GET endpoints of records: lists, single objects, and the lists inside objects."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from gtm_platform.sandbox.stripe.errors import exclusive, missing, required
from gtm_platform.sandbox.stripe.expand import expand
from gtm_platform.sandbox.stripe.expandable import list_of
from gtm_platform.sandbox.stripe.invoices import line, line_id
from gtm_platform.sandbox.stripe.order import Ordered, created_within, page, page_request
from gtm_platform.sandbox.stripe.parameters import Parameters, Span, expansions, refuse_unknown, span, text
from gtm_platform.sandbox.stripe.resources import Resource
from gtm_platform.sandbox.stripe.subscriptions import item
from gtm_platform.sandbox.stripe.versions import Renderer
from gtm_platform.sandbox.stripe.wire import Shape

PAGING = ("ending_before", "limit", "starting_after")
EXCLUSIVE = ({"type", "types"}, {"ending_before", "starting_after"})

R = TypeVar("R")


def list_records(resource: Resource, parameters: Parameters, renderer: Renderer) -> Shape:
    """A page of a list."""
    refuse_unknown(parameters, [*PAGING, "created", "expand", *resource.filters])
    for names in EXCLUSIVE:
        if names <= parameters.keys():
            raise exclusive(names)
    tests = [resource.is_listed]
    tests += [make(parameters[name], name) for name, make in resource.filters.items() if name in parameters]
    tests += [test for name, test in resource.defaults.items() if name not in parameters]
    ordered = resource.rows()
    created = span(parameters["created"], "created") if "created" in parameters else Span()
    rows, has_more = page(
        ordered,
        page_request(parameters),
        resource.noun,
        created_within(ordered, created),
        lambda row: all(test(row) for test in tests),
    )
    shapes = [resource.shape(renderer, row) for row in rows]
    return _envelope(f"/v1/{resource.path}", resource.kind, shapes, has_more, parameters, renderer)


def retrieve(resource: Resource, id: str, parameters: Parameters, renderer: Renderer) -> Shape:
    """One object by its id."""
    refuse_unknown(parameters, ["expand"])
    ordered = resource.rows()
    if id not in ordered.positions:
        raise missing(resource.noun, id)
    shape = resource.shape(renderer, ordered.rows[ordered.positions[id]])
    expand(shape, resource.kind, expansions(parameters), renderer)
    return shape


def subscription_items(parameters: Parameters, renderer: Renderer) -> Shape:
    """A page of the items of one subscription."""
    refuse_unknown(parameters, [*PAGING, "expand", "subscription"])
    if "subscription" not in parameters:
        raise required("subscription")
    store = renderer.ledger.store
    id = text(parameters["subscription"], "subscription")
    if id not in store.subscriptions:
        raise missing("subscription", id, param="subscription")
    items = store.subscriptions[id].items
    return _embedded_page(
        "/v1/subscription_items",
        "subscription item",
        Ordered(items, _positions(items, lambda each: each.id)),
        lambda each: item(each, id, store),
        parameters,
        renderer,
    )


def invoice_lines(id: str, parameters: Parameters, renderer: Renderer) -> Shape:
    """A page of the lines of one invoice."""
    refuse_unknown(parameters, [*PAGING, "expand"])
    store = renderer.ledger.store
    if id not in store.invoices:
        raise missing("invoice", id, param="invoice")
    invoice = store.invoices[id]
    numbers = range(len(invoice.lines))
    return _embedded_page(
        f"/v1/invoices/{id}/lines",
        "line item",
        Ordered(numbers, _positions(numbers, lambda number: line_id(invoice, number))),
        lambda number: line(invoice, number, store),
        parameters,
        renderer,
    )


def _positions(rows: Sequence[R], id: Callable[[R], str]) -> dict[str, int]:
    return {id(row): position for position, row in enumerate(rows)}


def _embedded_page(
    url: str,
    noun: str,
    ordered: Ordered[R],
    shape: Callable[[R], Shape],
    parameters: Parameters,
    renderer: Renderer,
) -> Shape:
    """A page of a list that is part of another object, in the object's order."""
    rows, has_more = page(ordered, page_request(parameters), noun, range(len(ordered.rows)))
    shapes = [renderer.older(shape(row)) for row in rows]
    return _envelope(url, noun.replace(" ", "_"), shapes, has_more, parameters, renderer)


def _envelope(
    url: str, kind: str, shapes: list[Shape], has_more: bool, parameters: Parameters, renderer: Renderer
) -> Shape:
    result = {"object": "list", "data": shapes, "has_more": has_more, "url": url}
    expand(result, list_of(kind), expansions(parameters), renderer)
    return result
