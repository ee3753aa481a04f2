"""The emulator's addresses, and what each of them answers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from gtm_platform.sandbox.kit.api import json_object
from gtm_platform.sandbox.kit.authentication import basic_password, basic_user, bearer_token
from gtm_platform.sandbox.kit.paging import NumberPaging, PageSize
from gtm_platform.sandbox.kit.write_log import Persist, WriteLog
from gtm_platform.sandbox.world.firmographics import CompanyFacts
from gtm_platform.sandbox.zoominfo.access import (
    CLIENT_ID,
    CLIENT_SECRET,
    MEDIA_TYPE,
    TOKEN_LIFE,
    Limits,
    Tokens,
    api,
    refusal,
)
from gtm_platform.sandbox.zoominfo.render import FIELDS, attributes
from gtm_platform.sandbox.zoominfo.store import ACTIONS, ZoomInfoStore, company_id

PAGING = NumberPaging(PageSize(default=25, largest=100, parameter="page[size]"), parameter="page[number]")
LARGEST_BATCH, MOST_PAGES = 25, 100
INPUTS = {"companyId", "companyName", "companyWebsite", "companyCountry", "companyTicker", "ipAddress"}


class ZoomInfo:
    """The handlers."""

    def __init__(self, store: ZoomInfoStore, clock: Callable[[], datetime], persist: Persist, tokens: Tokens) -> None:
        self._store, self._clock, self._tokens = store, clock, tokens
        self._log: WriteLog[ZoomInfoStore, None] = WriteLog(store, clock, persist, ACTIONS)

    async def token(self, request: Request) -> Response:
        """Hand out an access token for the client's id and secret."""
        if (basic_user(request), basic_password(request)) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client", "error_description": "Unknown client."}, 401)
        if b"grant_type=client_credentials" not in await request.body():
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        self._store.tokens += 1
        token = self._tokens.hand_out(self._store.tokens)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE})

    async def enrich(self, request: Request) -> Any:
        """Answer about up to 25 companies; each that is new to the account costs a credit."""
        sent = await _attributes(request, "CompanyEnrich")
        inputs, fields = sent.get("matchCompanyInput"), sent.get("outputFields")
        if not isinstance(inputs, list) or not inputs:
            raise refusal("PFAPI0004", "matchCompanyInput needs at least one company.")
        if len(inputs) > LARGEST_BATCH:
            raise refusal("PFAPI0002", f"At most {LARGEST_BATCH} companies can be enriched at once.")
        if not fields:
            raise refusal("PFAPI0003", "outputFields must not be empty.")
        if unknown := sorted(set(fields) - set(FIELDS)):
            raise refusal("PFAPI0009", f"Output field {unknown[0]} is not known or not allowed.")
        self._store.enrich_calls += 1
        matches = [self._match(each) for each in inputs]
        if self._needs_credits(matches) and not self._store.credits_left:
            raise refusal("PFAPI0011", "Credit limit reached.")
        return {"data": [self._item(each, facts, fields) for each, facts in zip(inputs, matches, strict=True)]}

    def _needs_credits(self, matches: Sequence[CompanyFacts | None]) -> bool:
        ids = [company_id(facts) for facts in matches if facts]
        return bool(ids) and not any(id_ in self._store.redeemed for id_ in ids)

    def _match(self, sent: Mapping[str, Any]) -> CompanyFacts | None:
        now = self._clock()
        if website := sent.get("companyWebsite"):
            return self._store.facts.of(str(website), now)
        if id_ := sent.get("companyId"):
            return next(self._store.facts.search(lambda facts: company_id(facts) == str(id_), now), None)
        name = str(sent.get("companyName", "")).lower()
        return next(self._store.facts.search(lambda facts: facts.name.lower() == name, now), None)

    def _item(self, sent: Mapping[str, Any], facts: CompanyFacts | None, fields: Sequence[str]) -> dict[str, Any]:
        if not sent or set(sent) - INPUTS:
            return {"type": "NoMatch", "id": "0", "meta": {"matchStatus": "INVALID_INPUT", "input": sent}}
        if facts is None:
            return {"type": "NoMatch", "id": "0", "meta": {"matchStatus": "NO_MATCH", "input": sent}}
        id_ = company_id(facts)
        if id_ not in self._store.redeemed:
            if not self._store.credits_left:
                return {"type": "NoMatch", "id": "0", "meta": {"matchStatus": "LIMIT_EXCEEDED", "input": sent}}
            self._log.do({"do": "redeem", "ids": [id_]})
        shape = {"type": "Company", "id": id_, "attributes": attributes(facts, fields, self._clock())}
        return {**shape, "meta": {"matchStatus": "FULL_MATCH", "input": sent}}

    async def search(self, request: Request) -> Any:
        """Search companies, which is free."""
        sent = await _attributes(request, "CompanySearch")
        name, website = str(sent.get("companyName", "")).lower(), str(sent.get("companyWebsite", ""))

        def fits(facts: CompanyFacts) -> bool:
            return name in facts.name.lower() and website.removeprefix("www.") in ("", facts.domain)

        rows = list(self._store.facts.search(fits, self._clock()))
        page = PAGING.page(rows, request.query_params)
        size = PAGING.size.read(request.query_params)
        number = int(request.query_params.get(PAGING.parameter, 1))
        if number > MOST_PAGES:
            raise refusal("PFAPI0002", f"page[number] must not be above {MOST_PAGES}.")
        data = [
            {"type": "Company", "id": company_id(facts), "attributes": {"name": facts.name, "website": facts.domain}}
            for facts in page.rows
        ]
        shown = {"number": number, "total": -(-len(rows) // size)}
        return {
            "data": data,
            "links": {},
            "meta": {"page": shown, "totalResults": len(rows)},
        }

    async def output_fields(self, _: Request) -> Any:
        """The fields that the contract allows."""
        return {"data": [{"type": "LookupEnrich", "id": name, "attributes": {"fieldName": name}} for name in FIELDS]}

    async def usage(self, _: Request) -> Any:
        """How much of the contract is used."""
        store = self._store
        used = len(store.redeemed)
        limits = [
            {"limitType": "uniqueIdLimit", "description": "Unique records", "totalLimit": store.total_credits,
             "currentUsage": used, "usageRemaining": store.credits_left},
            {"limitType": "requestLimit", "totalLimit": 1_000_000, "currentUsage": store.enrich_calls,
             "usageRemaining": 1_000_000 - store.enrich_calls},
        ]  # fmt: skip
        return {"data": [{"id": "usage", "type": "Usage", "attributes": {"usage": limits}}]}


async def _attributes(request: Request, kind: str) -> Mapping[str, Any]:
    """The attributes of a body, whose type has to be written just so."""
    if request.headers.get("content-type", "").partition(";")[0] != MEDIA_TYPE:
        raise refusal("PFAPI0003", f"The content type has to be {MEDIA_TYPE}.")
    data = (await json_object(request)).get("data")
    if not isinstance(data, dict) or data.get("type") != kind:
        raise refusal("PFAPI0003", f"data.type has to be {kind}.")
    sent = data.get("attributes")
    return sent if isinstance(sent, dict) else {}


def app(
    store: ZoomInfoStore, clock: Callable[[], datetime], persist: Persist, limits: Limits | None = None
) -> Starlette:
    """ZoomInfo's GTM API on this store."""
    tokens = Tokens("", (bearer_token,))
    zoominfo = ZoomInfo(store, clock, persist, tokens)
    data = api(limits or Limits(), tokens).app(
        (
            ("POST", "/companies/enrich", zoominfo.enrich),
            ("POST", "/companies/search", zoominfo.search),
            ("GET", "/lookup/enrich", zoominfo.output_fields),
            ("GET", "/users/usage", zoominfo.usage),
        )
    )
    return Starlette(
        routes=[
            Route("/gtm/oauth/v1/token", zoominfo.token, methods=["POST"]),
            Mount("/gtm/data/v1", data),
        ]
    )
