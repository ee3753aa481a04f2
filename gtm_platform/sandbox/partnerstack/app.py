"""The emulator's addresses: lists by the key of their last row, the oldest first."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.paging import LastIdPaging, PageSize, whole_number
from gtm_platform.sandbox.partnerstack import render
from gtm_platform.sandbox.partnerstack.access import Limits, api
from gtm_platform.sandbox.partnerstack.render import Shape
from gtm_platform.sandbox.world.partner_network import PartnerNetwork

PREFIX = "/api/v2"
PAGING = LastIdPaging(PageSize(default=10, largest=250))


class PartnerStack:
    """The handlers."""

    def __init__(self, network: PartnerNetwork, clock: Callable[[], datetime]) -> None:
        self._network, self._clock = network, clock

    async def partnerships(self, request: Request) -> Any:
        """All partners."""
        now = self._clock()
        brought: dict[int, list[Any]] = {}
        for each in self._network.referrals(now):
            brought.setdefault(each.partner.company.number, []).append(each)
        partners = self._network.partners(now)
        rows = [render.partnership(each, brought.get(each.company.number, []), now) for each in partners]
        return _page(request, rows, "min_updated", "updated_at")

    async def customers(self, request: Request) -> Any:
        """The customers that were won, and one that somebody tried something out with."""
        now = self._clock()
        won = [each for each in self._network.referrals(now) if each.stage_at(now) == "won"]
        rows = [*map(render.customer, won), *(render.test_customer(each) for each in won[:1])]
        return _page(request, rows, "min_updated", "updated_at")

    async def deals(self, request: Request) -> Any:
        """The deals that partners registered, whatever became of them."""
        now = self._clock()
        rows = [render.deal(each, now) for each in self._network.referrals(now) if each.number % 2]
        return _page(request, rows, "min_updated", "updated_at")

    async def leads(self, request: Request) -> Any:
        """The leads that partners handed in."""
        now = self._clock()
        rows = [render.lead(each, now) for each in self._network.referrals(now) if not each.number % 2]
        return _page(request, rows, "min_updated", "updated_at")

    async def transactions(self, request: Request) -> Any:
        """What the customers paid."""
        now = self._clock()
        won = (each for each in self._network.referrals(now) if each.stage_at(now) == "won")
        rows = [row for each in won for row in render.transactions(each, now)]
        return _page(request, rows, "min_created", "created_at")

    async def groups(self, request: Request) -> Any:
        """The groups of partners."""
        return _page(request, render.groups(), "min_updated", "updated_at")


def _page(request: Request, rows: Iterable[Shape], since: str, field: str) -> Shape:
    sent = request.query_params
    if not str(sent.get(since) or "0").isdigit():
        raise BadParameterError(since, "must be in milliseconds")
    least = whole_number(sent, since, 0)
    listed = sorted((row for row in rows if row[field] >= least), key=lambda row: (row["created_at"], row["key"]))
    page = PAGING.page(listed, sent, lambda row: str(row["key"]))
    data = {"items": page.rows, "has_more": page.next is not None}
    return {"data": data, "message": "Page returned successfully", "status": 200}


def app(network: PartnerNetwork, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """PartnerStack's vendor API on this network."""
    partnerstack = PartnerStack(network, clock)
    return api(limits or Limits()).app(
        (
            ("GET", f"{PREFIX}/partnerships", partnerstack.partnerships),
            ("GET", f"{PREFIX}/customers", partnerstack.customers),
            ("GET", f"{PREFIX}/deals", partnerstack.deals),
            ("GET", f"{PREFIX}/leads", partnerstack.leads),
            ("GET", f"{PREFIX}/transactions", partnerstack.transactions),
            ("GET", f"{PREFIX}/groups", partnerstack.groups),
        )
    )
