"""The emulator: Stripe's addresses, and what each of them answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.errors import path_of
from gtm_platform.sandbox.kit.write_log import Persist, WriteLog, discard
from gtm_platform.sandbox.stripe.access import DOCUMENTED, Limits, RequestLimits, authentication
from gtm_platform.sandbox.stripe.account import account_by_id, connected_accounts, own_account
from gtm_platform.sandbox.stripe.errors import StripeErrors, masked, request_id, unknown_url
from gtm_platform.sandbox.stripe.expand import expand
from gtm_platform.sandbox.stripe.idempotency import HEADER as IDEMPOTENCY_KEY
from gtm_platform.sandbox.stripe.idempotency import Idempotency
from gtm_platform.sandbox.stripe.ledger import Ledger
from gtm_platform.sandbox.stripe.parameters import Parameters, expansions, parse
from gtm_platform.sandbox.stripe.reading import invoice_lines, list_records, retrieve, subscription_items
from gtm_platform.sandbox.stripe.render import API_VERSION
from gtm_platform.sandbox.stripe.resources import Resource, resources
from gtm_platform.sandbox.stripe.searching import search_customers
from gtm_platform.sandbox.stripe.store import StripeCustomer, StripeStore
from gtm_platform.sandbox.stripe.versions import HEADER as VERSION
from gtm_platform.sandbox.stripe.versions import PUBLISHED, Renderer, requested_version
from gtm_platform.sandbox.stripe.wire import Shape
from gtm_platform.sandbox.stripe.writing import ACTIONS, create_customer, delete_customer, update_customer

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Call:
    """One request: its parameters, the id in its path, and its answer's renderer."""

    request: Request
    parameters: Parameters
    renderer: Renderer

    @property
    def id(self) -> str:
        """The id in the path."""
        return str(self.request.path_params["id"])

    @property
    def key(self) -> str:
        """The secret key as messages may show it."""
        return masked(authentication().presented(self.request))


Read = Callable[[Call], Shape]
CustomerWrite = Callable[[Call], StripeCustomer]


def app(
    store: StripeStore, clock: Callable[[], datetime], limits: Limits = DOCUMENTED, persist: Persist = discard
) -> Starlette:
    """Stripe's API over a store. Accepted writes are persisted."""
    ledger, customers, keys = Ledger(store), WriteLog(store, clock, persist, ACTIONS), Idempotency()
    reads: dict[str, Read] = {
        "/v1/account": lambda call: own_account(call.parameters, call.renderer),
        "/v1/accounts": lambda call: connected_accounts(call.parameters, call.renderer),
        "/v1/accounts/{id}": lambda call: account_by_id(call.id, call.key, call.parameters, call.renderer),
        "/v1/customers/search": lambda call: search_customers(call.parameters, call.renderer),
        "/v1/subscription_items": lambda call: subscription_items(call.parameters, call.renderer),
        "/v1/invoices/{id}/lines": lambda call: invoice_lines(call.id, call.parameters, call.renderer),
    }
    for resource in resources(ledger, clock):
        reads[f"/v1/{resource.path}"] = _list(resource)
        reads[f"/v1/{resource.path}/{{id}}"] = _retrieve(resource)
    writes: list[tuple[str, str, CustomerWrite]] = [
        ("POST", "/v1/customers", lambda call: create_customer(call.parameters, customers)),
        ("POST", "/v1/customers/{id}", lambda call: update_customer(call.id, call.parameters, customers)),
        ("DELETE", "/v1/customers/{id}", lambda call: delete_customer(call.id, call.parameters, customers)),
    ]
    api = Api(authentication(), StripeErrors(), limits=RequestLimits(limits).of, headers=_headers)
    return api.app(
        [
            *(("GET", path, _reading(read, ledger)) for path, read in reads.items()),
            *((method, path, _writing(write, ledger, keys)) for method, path, write in writes),
        ]
    )


def _list(resource: Resource) -> Read:
    def read(call: Call) -> Shape:
        _require(resource, call)
        return list_records(resource, call.parameters, call.renderer)

    return read


def _retrieve(resource: Resource) -> Read:
    def read(call: Call) -> Shape:
        _require(resource, call)
        return retrieve(resource, call.id, call.parameters, call.renderer)

    return read


def _require(resource: Resource, call: Call) -> None:
    """Refuse the address of a resource that the version of the request does not have yet."""
    if call.renderer.version < resource.since:
        raise unknown_url(call.request)


def _reading(read: Read, ledger: Ledger) -> Handler:
    async def handler(request: Request) -> Response:
        return JSONResponse(read(_call(request, request.url.query, ledger)))

    return handler


def _writing(write: CustomerWrite, ledger: Ledger, keys: Idempotency) -> Handler:
    async def handler(request: Request) -> Response:
        key = request.headers.get(IDEMPOTENCY_KEY)
        with keys.claim(key):
            call = _call(request, (await request.body()).decode(errors="replace"), ledger)
            operation = f"{request.method}: {path_of(request)}"
            id = request_id(request.state.number)
            shape, headers = keys.once(key, operation, call.parameters, id, lambda: _written(write(call), call))
        return JSONResponse(shape, headers=headers)

    return handler


def _written(customer: StripeCustomer, call: Call) -> Shape:
    shape = call.renderer.shape(customer)
    expand(shape, "customer", expansions(call.parameters), call.renderer)
    return shape


def _call(request: Request, encoded: str, ledger: Ledger) -> Call:
    renderer = Renderer(ledger, requested_version(request.headers))
    return Call(request, parse(parse_qsl(encoded, keep_blank_values=True)), renderer)


def _headers(request: Request, _: int) -> dict[str, str]:
    version = request.headers.get(VERSION, "")
    return {
        "Request-Id": request_id(request.state.number),
        VERSION: version if version in PUBLISHED else API_VERSION,
    }
