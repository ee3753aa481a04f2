"""The emulator: Stripe's addresses, and what each of them answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gtm_platform.sandbox.stripe.access import DOCUMENTED, Access, Limits
from gtm_platform.sandbox.stripe.errors import StripeError
from gtm_platform.sandbox.stripe.ledger import Ledger
from gtm_platform.sandbox.stripe.parameters import Tree, refuse_unknown, tree
from gtm_platform.sandbox.stripe.reading import account, invoice_lines, listing, single, subscription_items
from gtm_platform.sandbox.stripe.render import API_VERSION
from gtm_platform.sandbox.stripe.resources import Resource, resources
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform.sandbox.stripe.writing import Idempotency, create_customer, update_customer

Shape = dict[str, Any]

METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]


@dataclass
class Call:
    """One request: its parameters, the id in its path, and what its answer is to carry besides the body."""

    asked: str
    given: Tree
    path: dict[str, str]
    request_id: str
    idempotency_key: str | None
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Call], Shape]


def app(store: StripeStore, clock: Callable[[], datetime], limits: Limits = DOCUMENTED) -> Starlette:
    ledger, access, numbers = Ledger(store), Access(limits), count(1)

    def route(method: str, path: str, answer: Answer) -> Route:
        return Route(path, _endpoint(f"{method} {path}", answer, access, numbers), methods=[method])

    lists = resources(ledger, clock)
    routes = [route("GET", f"/v1/{resource.path}", _lists(resource, ledger)) for resource in lists]
    routes += [route("GET", f"/v1/{resource.path}/{{id}}", _holds(resource, ledger)) for resource in lists]
    routes += [
        route("GET", "/v1/subscription_items", lambda call: subscription_items(call.given, ledger)),
        route("GET", "/v1/invoices/{id}/lines", lambda call: invoice_lines(call.path["id"], call.given, ledger)),
        route("GET", "/v1/account", _account),
    ]
    writes = Idempotency()
    routes += [
        route("POST", "/v1/customers", _written(writes, lambda call: create_customer(call.given, store, clock()))),
        route(
            "POST",
            "/v1/customers/{id}",
            _written(writes, lambda call: update_customer(call.path["id"], call.given, store, clock())),
        ),
        Route("/{path:path}", _endpoint("unknown", _unknown, access, numbers), methods=METHODS),
    ]
    return Starlette(routes=routes)


def _lists(resource: Resource, ledger: Ledger) -> Answer:
    return lambda call: listing(resource, call.given, ledger)


def _holds(resource: Resource, ledger: Ledger) -> Answer:
    return lambda call: single(resource, call.path["id"], call.given, ledger)


def _account(call: Call) -> Shape:
    refuse_unknown(call.given, ["expand"])
    return account()


def _written(writes: Idempotency, write: Answer) -> Answer:
    def answer(call: Call) -> Shape:
        shape, headers = writes.once(call.idempotency_key, call.asked, call.given, call.request_id, lambda: write(call))
        call.headers.update(headers)
        return shape

    return answer


def _unknown(call: Call) -> Shape:
    raise StripeError(404, f"Unrecognized request URL ({call.asked}). Please see https://stripe.com/docs.")


def _endpoint(
    name: str, answer: Answer, access: Access, numbers: "count[int]"
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        request_id = f"req_{next(numbers):014d}"
        headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("stripe-version", API_VERSION)}
        try:
            access.admit(name, request.headers)
            call = await _call(request, request_id)
            shape, status = answer(call), 200
            headers.update(call.headers)
        except StripeError as error:
            shape, status = error.body(request_id), error.status
            headers.update(error.headers)
        return JSONResponse(shape, status, headers)

    return endpoint


async def _call(request: Request, request_id: str) -> Call:
    encoded = request.url.query if request.method == "GET" else (await request.body()).decode(errors="replace")
    return Call(
        asked=f"{request.method}: {request.url.path.removeprefix(request.scope.get('root_path', ''))}",
        given=tree(parse_qsl(encoded, keep_blank_values=True)),
        path=request.path_params,
        request_id=request_id,
        idempotency_key=request.headers.get("idempotency-key"),
    )
