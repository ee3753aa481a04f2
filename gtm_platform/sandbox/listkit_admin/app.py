"""The emulator's addresses, by the level at which they are built."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.admin_contract import (
    Limits,
    Query,
    Row,
    api,
    days_page,
    health,
    invalid,
    not_found,
    not_implemented,
    page,
    query,
)
from gtm_platform.sandbox.kit.api import Handler
from gtm_platform.sandbox.kit.timeline import as_of
from gtm_platform.sandbox.kit.walks import Walks
from gtm_platform.sandbox.listkit_admin import render
from gtm_platform.sandbox.listkit_admin.store import ListKitAccount, ListKitStore

TOKEN = "listkit-admin-sandbox-token"
PREFIX = "/admin-api/v1"
_STATUSES = ("trialing", "active", "past_due", "paused", "canceled")
_EXPORT_STATUSES = ("queued", "running", "completed", "failed", "canceled")
_DAY = timedelta(days=1)


class ListKit:
    """The handlers."""

    def __init__(self, store: ListKitStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._walks = Walks(clock)

    async def health(self, _: Request) -> Any:
        """Tell that the token is good, and the time."""
        return health("listkit-admin", self._clock())

    async def accounts(self, request: Request) -> Any:
        """All accounts."""
        now = self._clock()
        listing = query(request.query_params, ("email", "status"), now)
        _check(listing, "status", _STATUSES)
        rows = (
            self._account_row(each, now)
            for each in self._store.accounts.values()
            if listing.allows("email", each.email) and listing.allows("status", as_of(each.statuses, now + _DAY))
        )
        return page(self._walks, request, rows, listing, now)

    def _account_row(self, account: ListKitAccount, now: datetime) -> Row:
        return Row(render.updated(account, now), account.account_id, lambda: render.account(account, now))

    async def account(self, request: Request) -> Any:
        """One account."""
        record = self._store.accounts.get(request.path_params["id"])
        if record is None:
            raise not_found("account")
        return render.account(record, self._clock())

    async def days(self, request: Request) -> Any:
        """One row of each account and day of use."""
        return days_page(self._walks, request, self._store.accounts.values(), render.day_rows, self._clock())

    async def exports(self, request: Request) -> Any:
        """All exports."""
        now = self._clock()
        listing = query(request.query_params, ("account_id", "status"), now)
        _check(listing, "status", _EXPORT_STATUSES)
        rows = (
            row
            for each in self._store.accounts.values()
            if listing.allows("account_id", each.account_id)
            for row, status in render.export_rows(each, (listing.since or each.created).date() - _DAY, now)
            if listing.allows("status", status)
        )
        return page(self._walks, request, rows, listing, now)

    async def credit_transactions(self, request: Request) -> Any:
        """The ledgers of all accounts."""
        now = self._clock()
        listing = query(request.query_params, ("account_id",), now)
        rows = (
            row
            for each in self._store.accounts.values()
            if listing.allows("account_id", each.account_id)
            for row in render.credit_rows(each, now)
        )
        return page(self._walks, request, rows, listing, now)

    def built(self, level: int, handler: Handler) -> Handler:
        """The handler, from a level on; below it the address is not built yet."""

        async def handle(request: Request) -> Any:
            if int(self._store.level) < level:
                raise not_implemented()
            return await handler(request)

        return handle


def _check(listing: Query, name: str, choices: tuple[str, ...]) -> None:
    if listing.filters.get(name, choices[0]) not in choices:
        raise invalid(name, f"{name} must be one of {', '.join(choices)}")


def app(store: ListKitStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """ListKit's admin dashboard on this store."""
    listkit = ListKit(store, clock)
    return api(TOKEN, limits or Limits()).app(
        (
            ("GET", f"{PREFIX}/health", listkit.health),
            ("GET", f"{PREFIX}/accounts", listkit.accounts),
            ("GET", f"{PREFIX}/accounts/{{id}}", listkit.account),
            ("GET", f"{PREFIX}/usage/daily", listkit.built(2, listkit.days)),
            ("GET", f"{PREFIX}/exports", listkit.built(2, listkit.exports)),
            ("GET", f"{PREFIX}/credit-transactions", listkit.built(3, listkit.credit_transactions)),
        )
    )
