"""The emulator's addresses, and what each of them answers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from gtm_platform.sandbox.crossbeam.access import (
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    TOKEN_LIFE,
    CrossbeamError,
    Limits,
    api,
)
from gtm_platform.sandbox.crossbeam.store import CrossbeamStore, stable_uuid
from gtm_platform.sandbox.kit.paging import CursorPaging, NumberPaging, PageSize
from gtm_platform.sandbox.kit.walks import Walks
from gtm_platform.sandbox.world.market import MarketCompany
from gtm_platform.sandbox.world.partner_network import Overlap

PARTNERS = NumberPaging(PageSize(default=25, largest=100))
OVERLAPS = CursorPaging(PageSize(default=25, largest=1000), "cursor")
ADDRESS = "https://api.crossbeam.com"
_LABELS = {"si": "SI", "consultancy": "Consultancy", "technology": "Technology", "referral": "Referral"}


class Crossbeam:
    """The handlers."""

    def __init__(self, store: CrossbeamStore, clock: Callable[[], datetime]) -> None:
        self._store, self._clock, self._walks = store, clock, Walks(clock)

    async def token(self, request: Request) -> Response:
        """Hand out an access token for the refresh token."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        expected = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
        if form.get("grant_type") != "refresh_token" or any(form.get(name) != expected[name] for name in expected):
            return JSONResponse({"error": "invalid_grant", "error_description": "Unknown or invalid token."}, 403)
        return JSONResponse({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": TOKEN_LIFE})

    async def me(self, _: Request) -> Any:
        """Who logged in, and for which organisations."""
        organization = {"uuid": self._store.organization, "name": "Ours", "domain": "ours.example"}
        return {"user": {"email": "pm@ours.example"}, "authorizations": [{"organization": organization}]}

    async def partners(self, request: Request) -> Any:
        """All partners."""
        self._check_organization(request)
        rows = [_partner(each) for each in self._store.network.partners(self._clock())]
        page = PARTNERS.page(rows, request.query_params)
        limit, number = PARTNERS.size.read(request.query_params), int(request.query_params.get("page", 1))
        following = f"{ADDRESS}/v1/partners?limit={limit}&page={page.next}" if page.next else None
        pagination = {"limit": limit, "page": number, "next_href": following}
        return {"data": page.rows, "pagination": pagination, "warnings": []}

    async def overlaps(self, request: Request) -> Any:
        """The accounts that partners and we share, those included that are none any more."""
        self._check_organization(request)
        now = self._clock()
        overlaps = self._store.network.overlaps(now)
        page = self._walks.sorted_page(OVERLAPS, request, overlaps, lambda each: each.number)
        pagination = {
            "has_more": page.next is not None,
            "next_cursor": page.next,
            "next_href": f"{ADDRESS}/v1/overlaps/accounts?cursor={page.next}" if page.next else None,
        }
        return {"data": [_overlap(each, now) for each in page.rows], "pagination": pagination}

    def _check_organization(self, request: Request) -> None:
        if request.headers.get("xbeam-organization") != self._store.organization:
            raise CrossbeamError(403, "You are not a member of this organization")


def _partner(partner: MarketCompany) -> dict[str, Any]:
    partnership = partner.signals.partnership
    assert partnership is not None
    label = f"{_LABELS[partnership.partner_type]} {partnership.tier.capitalize()}"
    return {
        "uuid": stable_uuid(partner.company.domain),
        "name": partner.company.name,
        "domain": partner.company.domain,
        "tags": [{"id": stable_uuid(label), "label": label}],
    }


def _overlap(overlap: Overlap, now: datetime) -> dict[str, Any]:
    partner, account = overlap.partner.company, overlap.account
    population = {"id": 21035, "name": "Customers"} if overlap.is_their_customer else {"id": 21036, "name": "Prospects"}
    return {
        "partner_id": stable_uuid(partner.domain),
        "partner_name": partner.name,
        "partner_record_name": account.name,
        "partner_record_website": account.domain,
        "partner_record_type": "account",
        "partner_crossbeam_record_id": stable_uuid(f"theirs.{overlap.number}"),
        "partner_populations": [population],
        "partner_owner": {"owner_name": "Pat", "owner_email": f"pat@{partner.domain}", "owner_phone": None},
        "partner_source_data": [{"field_name": "Customer Status", "field_value": population["name"]}],
        "crossbeam_record_id": stable_uuid(f"ours.{account.domain}"),
        "record_id": str(account.number),
        "record_name": account.name,
        "record_website": account.domain,
        "record_email": None,
        "populations": [{"id": 1234, "name": "Accounts"}],
        "is_deleted": overlap.until is not None and overlap.until <= now,
    }


def app(store: CrossbeamStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """Crossbeam on this store."""
    crossbeam = Crossbeam(store, clock)
    data = api(limits or Limits()).app(
        (
            ("GET", "/users/me", crossbeam.me),
            ("GET", "/partners", crossbeam.partners),
            ("GET", "/overlaps/accounts", crossbeam.overlaps),
        )
    )
    return Starlette(routes=[Route("/auth/oauth/token", crossbeam.token, methods=["POST"]), Mount("/v1", data)])
