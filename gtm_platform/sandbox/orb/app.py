"""The emulator's addresses, and what each of them answers."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.kit.walks import Walks
from gtm_platform.sandbox.orb import invoices, render
from gtm_platform.sandbox.orb.access import Limits, api, not_found
from gtm_platform.sandbox.orb.lists import among, choices, page, within
from gtm_platform.sandbox.orb.store import OrbInvoice, OrbStore, OrbSubscription

R = TypeVar("R")
_SUBSCRIPTION_STATUSES = ("active", "ended", "upcoming")
_INVOICE_STATUSES = ("draft", "issued", "paid", "synced", "void")
_LISTED_INVOICES = {"issued", "paid", "synced"}  # where no status is asked for
_PLAN_STATUSES = ("active", "archived", "draft")


class Orb:
    """The handlers."""

    def __init__(self, store: OrbStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._walks = Walks(clock)

    async def ping(self, _: Request) -> Any:
        """Tell that the key is good."""
        return {"response": "pong"}

    # --- customers ---

    async def customers(self, request: Request) -> Any:
        """All customers."""
        rows = (
            each for each in self._store.customers.values() if within(request.query_params, "created_at", each.created)
        )
        return page(request, self._walks, rows, render.customer, lambda each: each.created, lambda each: each.id)

    async def customer(self, request: Request) -> Any:
        """One customer."""
        return render.customer(_of(self._store.customers, request, "customer"))

    async def customer_by_external_id(self, request: Request) -> Any:
        """One customer by the id that the firm gave it."""
        id_ = request.path_params["id"]
        record = next((each for each in self._store.customers.values() if each.external_customer_id == id_), None)
        if record is None:
            raise not_found("customer")
        return render.customer(record)

    # --- subscriptions ---

    async def subscriptions(self, request: Request) -> Any:
        """Subscriptions in full."""
        return self._subscription_page(request, lambda each: render.subscription(each, self._store, self._clock()))

    async def subscription_summaries(self, request: Request) -> Any:
        """Subscriptions without their prices."""
        return self._subscription_page(request, lambda each: render.summary(each, self._store, self._clock()))

    def _subscription_page(self, request: Request, shape: Callable[[OrbSubscription], dict[str, Any]]) -> Any:
        sent, now, store = request.query_params, self._clock(), self._store
        statuses = choices(sent, "status", _SUBSCRIPTION_STATUSES)
        rows = (
            each
            for each in store.subscriptions.values()
            if (not statuses or render.status(each, now) in statuses)
            and among(sent, "customer_id", each.customer)
            and among(sent, "external_customer_id", store.customers[each.customer].external_customer_id)
            and among(sent, "plan_id", each.plan)
            and among(sent, "external_plan_id", store.plans[each.plan].external_plan_id if each.plan else None)
            and within(sent, "created_at", each.created)
        )
        return page(request, self._walks, rows, shape, lambda each: each.created, lambda each: each.id)

    async def subscription(self, request: Request) -> Any:
        """One subscription."""
        record = _of(self._store.subscriptions, request, "subscription")
        return render.subscription(record, self._store, self._clock())

    async def schedule(self, request: Request) -> Any:
        """The plans of a subscription by time; here it keeps the one that it began with."""
        record = _of(self._store.subscriptions, request, "subscription")
        plan = render.plan(self._store.plans[record.plan]) if record.plan else None
        entry = {
            "created_at": render.instant(record.created),
            "start_date": render.instant(record.start),
            "end_date": render.instant(record.end),
            "plan": plan,
        }
        rows = [record] if within(request.query_params, "start_date", record.start) else []
        return page(request, self._walks, rows, lambda _: entry, lambda each: each.created, lambda each: each.id)

    # --- plans ---

    async def plans(self, request: Request) -> Any:
        """All plans."""
        sent = request.query_params
        statuses = choices(sent, "status", _PLAN_STATUSES)
        rows = (
            each
            for each in self._store.plans.values()
            if (not statuses or each.status in statuses) and within(sent, "created_at", each.created)
        )
        return page(request, self._walks, rows, render.plan, lambda each: each.created, lambda each: each.id)

    async def plan(self, request: Request) -> Any:
        """One plan."""
        return render.plan(_of(self._store.plans, request, "plan"))

    async def prices(self, request: Request) -> Any:
        """The prices of all plans."""
        rows = (price for plan in self._store.plans.values() for price in plan.prices)
        return page(request, self._walks, rows, render.price, lambda each: each.created, lambda each: each.id)

    # --- invoices ---

    async def invoices(self, request: Request) -> Any:
        """Invoices by their date; drafts and voided ones only if they are asked for."""
        return self._invoice_page(request, lambda each: invoices.invoice(each, self._store))

    async def invoice_summaries(self, request: Request) -> Any:
        """Invoices without their lines."""
        return self._invoice_page(request, lambda each: invoices.summary(each, self._store))

    def _invoice_page(self, request: Request, shape: Callable[[OrbInvoice], dict[str, Any]]) -> Any:
        sent, store = request.query_params, self._store
        statuses = choices(sent, "status", _INVOICE_STATUSES) or _LISTED_INVOICES
        rows = (
            each
            for each in store.invoices.values()
            if each.status in statuses
            and among(sent, "customer_id", each.customer)
            and among(sent, "external_customer_id", store.customers[each.customer].external_customer_id)
            and among(sent, "subscription_id", each.subscription)
            and within(sent, "invoice_date", each.date)
            and within(sent, "due_date", each.due)
        )
        return page(request, self._walks, rows, shape, lambda each: each.date, lambda each: each.id)

    async def invoice(self, request: Request) -> Any:
        """One invoice."""
        return invoices.invoice(_of(self._store.invoices, request, "invoice"), self._store)

    async def credit_notes(self, request: Request) -> Any:
        """All credit notes."""
        rows = (
            each
            for each in self._store.credit_notes.values()
            if within(request.query_params, "created_at", each.created)
        )
        return page(
            request,
            self._walks,
            rows,
            lambda each: invoices.credit_note(each, self._store),
            lambda each: each.created,
            lambda each: each.id,
        )

    async def credit_note(self, request: Request) -> Any:
        """One credit note."""
        return invoices.credit_note(_of(self._store.credit_notes, request, "credit note"), self._store)


def _of(records: Mapping[str, R], request: Request, kind: str) -> R:
    record = records.get(request.path_params["id"])
    if record is None:
        raise not_found(kind)
    return record


def app(store: OrbStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """Orb on this store."""
    orb = Orb(store, clock)
    return api(limits or Limits()).app(
        (
            ("GET", "/v1/ping", orb.ping),
            ("GET", "/v1/customers", orb.customers),
            ("GET", "/v1/customers/external_customer_id/{id}", orb.customer_by_external_id),
            ("GET", "/v1/customers/{id}", orb.customer),
            ("GET", "/v1/subscriptions", orb.subscriptions),
            ("GET", "/v1/subscriptions/summary", orb.subscription_summaries),
            ("GET", "/v1/subscriptions/{id}", orb.subscription),
            ("GET", "/v1/subscriptions/{id}/schedule", orb.schedule),
            ("GET", "/v1/plans", orb.plans),
            ("GET", "/v1/plans/{id}", orb.plan),
            ("GET", "/v1/prices", orb.prices),
            ("GET", "/v1/invoices", orb.invoices),
            ("GET", "/v1/invoices/summary", orb.invoice_summaries),
            ("GET", "/v1/invoices/{id}", orb.invoice),
            ("GET", "/v1/credit_notes", orb.credit_notes),
            ("GET", "/v1/credit_notes/{id}", orb.credit_note),
        )
    )
