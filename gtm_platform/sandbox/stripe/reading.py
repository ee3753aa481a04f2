"""The GET endpoints: lists, single objects, the lists inside objects, the account."""

from typing import Any

from gtm_platform.sandbox.stripe.errors import StripeError, invalid, missing
from gtm_platform.sandbox.stripe.expand import expand
from gtm_platform.sandbox.stripe.invoices import line, line_id
from gtm_platform.sandbox.stripe.ledger import Ledger
from gtm_platform.sandbox.stripe.order import Asked, Ordered, created_within, page
from gtm_platform.sandbox.stripe.parameters import Span, Tree, number, refuse_unknown, span, text, texts
from gtm_platform.sandbox.stripe.render import render
from gtm_platform.sandbox.stripe.resources import Resource
from gtm_platform.sandbox.stripe.subscriptions import item

PAGING = ("ending_before", "limit", "starting_after")
EXCLUSIVE = ({"type", "types"}, {"ending_before", "starting_after"})
LARGEST_PAGE = 100
OPENED = 1577836800

Shape = dict[str, Any]


def listing(resource: Resource, given: Tree, ledger: Ledger) -> Shape:
    refuse_unknown(given, [*PAGING, "created", "expand", *resource.filters])
    for names in EXCLUSIVE:
        if names <= given.keys():
            raise StripeError(400, f"You may only specify one of these parameters: {', '.join(sorted(names))}.")
    keeps = [resource.listed]
    keeps += [read(given[name], name) for name, read in resource.filters.items() if name in given]
    keeps += [keep for name, keep in resource.unasked.items() if name not in given]
    rows = resource.rows()
    within = created_within(rows, span(given["created"], "created") if "created" in given else Span())
    found, more = page(rows, _asked(given), resource.noun, within, lambda row: all(keep(row) for keep in keeps))
    shapes = [render(row, ledger.store) for row in found]
    return _envelope(f"/v1/{resource.path}", shapes, more, given, ledger)


def single(resource: Resource, identifier: str, given: Tree, ledger: Ledger) -> Shape:
    refuse_unknown(given, ["expand"])
    rows = resource.rows()
    if identifier not in rows.places:
        raise missing(resource.noun, identifier)
    shape = render(rows.rows[rows.places[identifier]], ledger.store)
    expand(shape, _expansions(given), ledger)
    return shape


def subscription_items(given: Tree, ledger: Ledger) -> Shape:
    refuse_unknown(given, [*PAGING, "expand", "subscription"])
    if "subscription" not in given:
        raise invalid("Missing required param: subscription.", "subscription", code="parameter_missing")
    owner = text(given["subscription"], "subscription")
    if owner not in ledger.store.subscriptions:
        raise missing("subscription", owner, param="subscription")
    items = ledger.store.subscriptions[owner].items
    rows = Ordered(items, {each.id: place for place, each in enumerate(items)})
    found, more = page(rows, _asked(given), "subscription item", range(len(items)))
    shapes = [item(each, owner, ledger.store) for each in found]
    return _envelope("/v1/subscription_items", shapes, more, given, ledger)


def invoice_lines(identifier: str, given: Tree, ledger: Ledger) -> Shape:
    refuse_unknown(given, [*PAGING, "expand"])
    if identifier not in ledger.store.invoices:
        raise missing("invoice", identifier, param="invoice")
    billed = ledger.store.invoices[identifier]
    places = range(len(billed.lines))
    rows = Ordered(places, {line_id(billed, place): place for place in places})
    found, more = page(rows, _asked(given), "invoice line item", places)
    shapes = [line(billed, place, ledger.store) for place in found]
    return _envelope(f"/v1/invoices/{identifier}/lines", shapes, more, given, ledger)


def account() -> Shape:
    return {
        "id": "acct_sandbox",
        "object": "account",
        "business_profile": {"name": "Sandbox", "support_email": "billing@sandbox.example", "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": OPENED,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "billing@sandbox.example",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"}},
        "type": "standard",
    }


def _asked(given: Tree) -> Asked:
    limit = number(given.get("limit", "10"), "limit")
    if limit < 1:
        raise invalid("This value must be greater than or equal to 1.", "limit", code="parameter_invalid_integer")
    if limit > LARGEST_PAGE:
        raise invalid(
            f"This value must be less than or equal to {LARGEST_PAGE}.", "limit", code="parameter_invalid_integer"
        )
    cursors = {name: text(given[name], name) for name in ("starting_after", "ending_before") if name in given}
    return Asked(limit, **cursors)


def _envelope(url: str, shapes: list[Shape], more: bool, given: Tree, ledger: Ledger) -> Shape:
    listed = {"object": "list", "data": shapes, "has_more": more, "url": url}
    expand(listed, _expansions(given), ledger)
    return listed


def _expansions(given: Tree) -> list[str]:
    return texts(given["expand"], "expand") if "expand" in given else []
