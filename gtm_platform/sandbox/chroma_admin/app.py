"""The emulator's addresses. A minimal server has accounts only, with six members, or even as a bare array."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.admin_contract import (
    Limits,
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
from gtm_platform.sandbox.chroma_admin import render
from gtm_platform.sandbox.chroma_admin.store import ChromaAccount, ChromaStore
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize
from gtm_platform.sandbox.kit.timeline import as_of
from gtm_platform.sandbox.kit.walks import Walks

TOKEN = "chroma-admin-sandbox-token"
PREFIX = "/admin-api/v1"
MINIMAL_PAGING = CursorPaging(PageSize(default=100, largest=500), "cursor")
_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)


class Chroma:
    """The handlers."""

    def __init__(self, store: ChromaStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._walks = Walks(clock)

    @property
    def _is_minimal(self) -> bool:
        return self._store.variant != "full"

    async def health(self, _: Request) -> Any:
        """Tell that the token is good, and the time."""
        return health("chroma-admin", self._clock())

    async def accounts(self, request: Request) -> Any:
        """All accounts."""
        if self._is_minimal:
            return self._minimal_accounts(request)
        now = self._clock()
        listing = query(request.query_params, ("email", "is_active"), now)
        if listing.filters.get("is_active", "true") not in ("true", "false"):
            raise invalid("is_active", "is_active must be true or false")
        rows = (
            self._account_row(each, now)
            for each in self._store.accounts.values()
            if listing.allows("email", each.email)
            and listing.allows("is_active", str(bool(as_of(each.actives, now + _INSTANT))))
        )
        return page(self._walks, request, rows, listing, now)

    def _account_row(self, account: ChromaAccount, now: datetime) -> Row:
        return Row(render.updated(account, now), account.account_id, lambda: render.account(account, now))

    def _minimal_accounts(self, request: Request) -> Any:
        """Six members each, in the order of ids, whatever was updated."""
        now, rows = self._clock(), self._store.accounts.values()
        if self._store.variant == "array":
            return [render.core(each, now) for each in sorted(rows, key=lambda each: each.account_id)]
        shown = MINIMAL_PAGING.sorted_page(rows, request.query_params, lambda each: each.account_id)
        data = [render.core(each, now) for each in shown.rows]
        return {"data": data, "has_more": shown.next is not None, "next_cursor": shown.next}

    async def account(self, request: Request) -> Any:
        """One account."""
        record = self._store.accounts.get(request.path_params["id"])
        if record is None:
            raise not_found("account")
        return (render.core if self._is_minimal else render.account)(record, self._clock())

    async def instances(self, request: Request) -> Any:
        """The instances of all accounts."""
        if self._is_minimal:
            raise not_implemented()
        now = self._clock()
        listing = query(request.query_params, ("account_id",), now)
        rows = (
            row
            for each in self._store.accounts.values()
            if listing.allows("account_id", each.account_id)
            for row in render.instance_rows(each, now)
        )
        return page(self._walks, request, rows, listing, now)

    async def days(self, request: Request) -> Any:
        """One row of each account and day of use."""
        if self._is_minimal:
            raise not_implemented()
        return days_page(self._walks, request, self._store.accounts.values(), render.day_rows, self._clock())


def app(store: ChromaStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """Chroma's admin panel on this store."""
    chroma = Chroma(store, clock)
    return api(TOKEN, limits or Limits()).app(
        (
            ("GET", f"{PREFIX}/health", chroma.health),
            ("GET", f"{PREFIX}/accounts", chroma.accounts),
            ("GET", f"{PREFIX}/accounts/{{id}}", chroma.account),
            ("GET", f"{PREFIX}/instances", chroma.instances),
            ("GET", f"{PREFIX}/usage/daily", chroma.days),
        )
    )
