"""`/v1/customers/search`: pages of the customers that a query matches."""

import base64
import binascii
from itertools import islice

from gtm_platform.sandbox.stripe.errors import StripeError, invalid, required
from gtm_platform.sandbox.stripe.expand import expand
from gtm_platform.sandbox.stripe.expandable import list_of
from gtm_platform.sandbox.stripe.parameters import Parameters, expansions, page_size, refuse_unknown, text
from gtm_platform.sandbox.stripe.search_query import parse_query
from gtm_platform.sandbox.stripe.versions import Renderer
from gtm_platform.sandbox.stripe.wire import Shape

TOTAL = "total_count"


def search_customers(parameters: Parameters, renderer: Renderer) -> Shape:
    """The page of matching customers that the parameters name, newest first."""
    refuse_unknown(parameters, ["expand", "limit", "page", "query"])
    if "query" not in parameters:
        raise required("query")
    test = parse_query(text(parameters["query"], "query"))
    size, paths = page_size(parameters), expansions(parameters)
    customers = renderer.ledger.customers()
    start = _after(parameters, renderer)
    rows = (row for row in islice(customers.rows, start, None) if row.deleted is None)
    matches = list(islice((row for row in rows if test(renderer.shape(row))), size + 1))
    has_more, matches = len(matches) > size, matches[:size]
    result = {
        "object": "search_result",
        "data": [renderer.shape(row) for row in matches],
        "has_more": has_more,
        "next_page": _token(matches[-1].id) if has_more else None,
        "url": "/v1/customers/search",
    }
    if TOTAL in paths:
        result[TOTAL] = sum(row.deleted is None and test(renderer.shape(row)) for row in customers.rows)
    expand(result, list_of("customer"), [path for path in paths if path != TOTAL], renderer)
    return result


def _token(id: str) -> str:
    """An opaque name of what follows a customer."""
    return base64.urlsafe_b64encode(id.encode()).decode()


def _after(parameters: Parameters, renderer: Renderer) -> int:
    """The position from which the page goes on."""
    if "page" not in parameters:
        return 0
    try:
        id = base64.urlsafe_b64decode(text(parameters["page"], "page")).decode()
        return renderer.ledger.customers().positions[id] + 1
    except (binascii.Error, UnicodeDecodeError, KeyError):
        raise _unknown_page() from None


def _unknown_page() -> StripeError:
    return invalid("The page is not one that a search has named in `next_page`.", "page")
