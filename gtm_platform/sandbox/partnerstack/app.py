"""The emulator's addresses: lists by the key of their last row, the oldest first."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.paging import Identified, LastIdPaging, Page, PageSize, whole_number
from gtm_platform.sandbox.kit.walks import Walks
from gtm_platform.sandbox.partnerstack import render
from gtm_platform.sandbox.partnerstack.access import Limits, api
from gtm_platform.sandbox.partnerstack.render import Shape
from gtm_platform.sandbox.world.partner_network import PartnerNetwork

PREFIX = "/api/v2"
PAGING = LastIdPaging(PageSize(default=10, largest=250))


class PartnerStack:
    """The handlers."""

    def __init__(self, network: PartnerNetwork, clock: Callable[[], datetime]) -> None:
        self._network, self._clock, self._walks = network, clock, Walks(clock)

    async def partnerships(self, request: Request) -> Any:
        """All partners."""
        return self._page(request, self._partnerships(self._clock()), "min_updated", "updated_at")

    def _partnerships(self, now: datetime) -> Iterator[Shape]:
        brought: dict[int, list[Any]] = {}
        for each in self._network.referrals(now):
            brought.setdefault(each.partner.company.number, []).append(each)
        for partner in self._network.partners(now):
            yield render.partnership(partner, brought.get(partner.company.number, []), now)

    async def customers(self, request: Request) -> Any:
        """The customers that were won, and one that somebody tried something out with."""
        return self._page(request, self._customers(self._clock()), "min_updated", "updated_at")

    def _customers(self, now: datetime) -> Iterator[Shape]:
        won = [each for each in self._network.referrals(now) if each.stage_at(now) == "won"]
        yield from map(render.customer, won)
        yield from map(render.test_customer, won[:1])

    async def deals(self, request: Request) -> Any:
        """The deals that partners registered, whatever became of them."""
        now = self._clock()
        rows = (render.deal(each, now) for each in self._network.referrals(now) if each.number % 2)
        return self._page(request, rows, "min_updated", "updated_at")

    async def leads(self, request: Request) -> Any:
        """The leads that partners handed in."""
        now = self._clock()
        rows = (render.lead(each, now) for each in self._network.referrals(now) if not each.number % 2)
        return self._page(request, rows, "min_updated", "updated_at")

    async def transactions(self, request: Request) -> Any:
        """What the customers paid."""
        now = self._clock()
        won = (each for each in self._network.referrals(now) if each.stage_at(now) == "won")
        rows = (row for each in won for row in render.transactions(each, now))
        return self._page(request, rows, "min_created", "created_at")

    async def groups(self, request: Request) -> Any:
        """The groups of partners."""
        return self._page(request, render.groups(), "min_updated", "updated_at")

    def _page(self, request: Request, rows: Iterable[Shape], since: str, field: str) -> Shape:
        """A page of rows, the oldest first; they are read only where none are kept."""
        sent = request.query_params
        if not str(sent.get(since) or "0").isdigit():
            raise BadParameterError(since, "must be in milliseconds")
        least = whole_number(sent, since, 0)

        def listed() -> Identified[Shape]:
            wanted = (row for row in rows if row[field] >= least)
            ordered = sorted(wanted, key=lambda row: (row["created_at"], row["key"]))
            return Identified.of(ordered, lambda row: str(row["key"]))

        def turn(identified: Identified[Shape]) -> Page[Shape]:
            return PAGING.identified_page(identified, sent)

        page = self._walks.page(request, listed, turn)
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
