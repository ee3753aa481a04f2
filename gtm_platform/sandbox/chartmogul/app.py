"""The emulator's addresses, and what each of them answers."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.chartmogul import metrics, mirror, render
from gtm_platform.sandbox.chartmogul.access import Limits, api, invalid, not_found
from gtm_platform.sandbox.chartmogul.mirror import Movement
from gtm_platform.sandbox.chartmogul.store import ChartMogulCustomer, ChartMogulStore
from gtm_platform.sandbox.kit.api import Handler
from gtm_platform.sandbox.kit.cached import AsOfNow
from gtm_platform.sandbox.kit.filters import parse_instant
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize
from gtm_platform.sandbox.kit.timeline import as_of
from gtm_platform.sandbox.kit.walks import Walks

R = TypeVar("R")
PAGING = CursorPaging(PageSize(default=200, largest=200, parameter="per_page"), "cursor")
_ALL = ("mrr", "arr", "arpa", "asp", "ltv", "customers", "customer-churn-rate", "mrr-churn-rate")
SERIES = {**{name: (name,) for name in _ALL if name != "customers"}, "customer-count": ("customers",), "all": _ALL}
_KINDS = ("new_biz", "expansion", "contraction", "churn", "reactivation")


class ChartMogul:
    """The handlers."""

    def __init__(self, store: ChartMogulStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._walks = Walks(clock)
        self._changes = AsOfNow(clock, partial(metrics.changes, store))

    async def ping(self, _: Request) -> Any:
        """Tell that the key is good."""
        return {"data": "pong!"}

    async def account(self, _: Request) -> Any:
        """The account and its settings."""
        return {
            "id": self._store.account_id,
            "name": "Vendor",
            "currency": mirror.ACCOUNT_CURRENCY.upper(),
            "time_zone": "Etc/UTC",
            "week_start_on": "monday",
            "churn_recognition": "churn_at_time_of_cancellation",
            "churn_when_zero_mrr": "ignore",
            "refund_handling": "ignore",
        }

    async def data_sources(self, request: Request) -> Any:
        """The billing systems that are imported; this list has no pages."""
        opened = render.instant(self._store.opened)
        sources = sorted({source for _, source, _, _ in self._store.plans.values()})
        rows = [
            {"uuid": uuid, "name": render.NAMES[uuid[-1]], "created_at": opened, "status": "idle",
             "system": render.system_of(uuid)}
            for uuid in sources
        ]  # fmt: skip
        sent = request.query_params
        chosen = [row for row in rows if all(sent.get(name) in (None, row[name]) for name in ("name", "system"))]
        return {"data_sources": chosen}

    # --- customers ---

    async def customers(self, request: Request) -> Any:
        """All customers, or those of a source, an external id or a status."""
        sent, now = request.query_params, self._clock()
        rows = (
            each
            for each in self._present()
            if sent.get("data_source_uuid") in (None, *(account.source for account in each.imported(now)))
            and sent.get("external_id") in (None, *(account.external_id for account in each.imported(now)))
            and sent.get("system") in (None, *(render.system_of(account.source) for account in each.imported(now)))
            and ("status" not in sent or mirror.status(each, now).replace(" ", "_") == sent["status"])
        )
        return self._page(request, "entries", rows, lambda each: render.customer(each, now), lambda each: each.number)

    async def search(self, request: Request) -> Any:
        """Customers of an address."""
        email = request.query_params.get("email")
        if not email:
            raise invalid("email", "is missing")
        rows = (each for each in self._present() if each.email.lower() == email.lower())
        now = self._clock()
        return self._page(request, "entries", rows, lambda each: render.customer(each, now), lambda each: each.number)

    async def customer(self, request: Request) -> Any:
        """One customer."""
        return render.customer(self._of(request), self._clock())

    async def subscriptions(self, request: Request) -> Any:
        """The subscriptions of a customer."""
        customer, now = self._of(request), self._clock()
        rows = (each for each in customer.imported(now) if as_of(each.subscriptions, now - customer.lag))
        return self._page(
            request,
            "entries",
            rows,
            lambda each: render.subscription(customer, each, self._store, now),
            lambda each: each.external_id,
        )

    async def customer_activities(self, request: Request) -> Any:
        """The movements of a customer."""
        customer = self._of(request)
        return self._page(
            request,
            "entries",
            mirror.movements(customer, self._clock()),
            lambda each: render.customer_activity(customer, each, self._store),
            lambda each: each.at.isoformat(),
        )

    def _present(self) -> Iterator[ChartMogulCustomer]:
        now = self._clock()
        return (each for each in self._store.customers.values() if each.created <= now)

    def _of(self, request: Request) -> ChartMogulCustomer:
        record = self._store.customers.get(request.path_params["uuid"])
        if record is None or record.created > self._clock():
            raise not_found()
        return record

    # --- activities and plans ---

    async def activities(self, request: Request) -> Any:
        """The movements of all customers by date."""
        sent = request.query_params
        kind, order = sent.get("type"), sent.get("order", "date")
        if kind not in (None, *_KINDS):
            raise invalid("type", f"{kind} is not one of {', '.join(_KINDS)}", 422)
        if order not in ("date", "-date"):
            raise invalid("order", "must be date or -date", 422)
        first, last = _bound(sent.get("start-date"), "start-date"), _bound(sent.get("end-date"), "end-date")
        rows = (
            (customer, movement)
            for customer in self._present()
            for movement in mirror.movements(customer, self._clock())
            if kind in (None, movement.kind)
            and (first is None or movement.at >= first)
            and (last is None or movement.at < last)
        )

        def place(row: tuple[ChartMogulCustomer, Movement]) -> list[str]:
            return [row[1].at.isoformat(), render.activity_uuid(*row)]

        return self._page(
            request, "entries", rows, lambda row: render.activity(*row, self._store), place, descending=order == "-date"
        )

    async def plans(self, request: Request) -> Any:
        """All plans."""
        sent = request.query_params
        rows = (
            id_
            for id_, (_, source, _, _) in self._store.plans.items()
            if sent.get("data_source_uuid") in (None, source)
            and sent.get("external_id") in (None, id_)
            and sent.get("system") in (None, render.system_of(source))
        )
        return self._page(request, "plans", rows, lambda id_: render.plan(id_, self._store), lambda id_: id_)

    def _page(
        self,
        request: Request,
        root: str,
        rows: Iterable[R],
        shape: Callable[[R], dict[str, Any]],
        place: Callable[[R], Any],
        *,
        descending: bool = False,
    ) -> dict[str, Any]:
        if "page" in request.query_params:
            raise invalid("page", "is no longer supported: use cursor")
        page = self._walks.sorted_page(PAGING, request, rows, place, descending=descending)
        return {root: [shape(row) for row in page.rows], "has_more": page.next is not None, "cursor": page.next}

    # --- metrics ---

    def series(self, names: tuple[str, ...]) -> Handler:
        """A handler of one series, or of several together."""

        async def handler(request: Request) -> Any:
            today = self._clock().date()
            spans = metrics.periods(request.query_params, today)
            return metrics.answer(metrics.figures(self._changes(), spans, today), names)

        return handler


def _bound(text: str | None, name: str) -> datetime | None:
    """An instant, or a day, which is meant to its end where it is the last one."""
    if not text:
        return None
    if len(text) == 10:
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise invalid(name, "is not a date") from error
        return datetime.combine(day + timedelta(days=name == "end-date"), time(), UTC)
    record = parse_instant(text.replace(" ", "+"))
    if record is None:
        raise invalid(name, "is not a date")
    return record


def app(store: ChartMogulStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """ChartMogul on this store."""
    chartmogul = ChartMogul(store, clock)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/v1/ping", chartmogul.ping),
        ("GET", "/v1/account", chartmogul.account),
        ("GET", "/v1/data_sources", chartmogul.data_sources),
        ("GET", "/v1/customers", chartmogul.customers),
        ("GET", "/v1/customers/search", chartmogul.search),
        ("GET", "/v1/customers/{uuid}", chartmogul.customer),
        ("GET", "/v1/customers/{uuid}/subscriptions", chartmogul.subscriptions),
        ("GET", "/v1/customers/{uuid}/activities", chartmogul.customer_activities),
        ("GET", "/v1/activities", chartmogul.activities),
        ("GET", "/v1/plans", chartmogul.plans),
        *(("GET", f"/v1/metrics/{path}", chartmogul.series(names)) for path, names in SERIES.items()),
    ]
    return api(limits or Limits()).app(table)
