"""How ZoomInfo is reached: tokens, limits, its two shapes of errors; and how it is asked about companies."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.http.caller import Response
from gtm_platform.http.client import Api
from gtm_platform.http.errors import ApiFailure, BadRequest
from gtm_platform.http.pages import expect_list, get_path, get_path_or_none, rows
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.http.token_auth import TokenAuth
from gtm_platform.ingest.enrichment import Answer, CreditsExhausted, Outcome, Question, Reply
from gtm_platform.sources.zoominfo.settings import ZoomInfoSettings as Settings

MEDIA_TYPE = "application/vnd.api+json"
USER_AGENT = "gtm-platform/1.0"  # a client that names itself generically is sometimes refused at the gateway
KEYS = ("ZOOMINFO_CLIENT_ID", "ZOOMINFO_CLIENT_SECRET")
LARGEST_BATCH = 25
CALLS_A_SECOND = 5  # the smallest package
NO_CREDITS = "PFAPI0011"
FIELDS = (
    "id",
    "name",
    "website",
    "employeeCount",
    "employeeRange",
    "revenue",
    "primaryIndustry",
    "industries",
    "foundedYear",
    "city",
    "state",
    "country",
    "socialMediaUrls",
    "lastUpdatedDate",
)
OUTCOMES: Mapping[str, Outcome] = {
    "FULL_MATCH": "matched",
    "COMPANY_ONLY_MATCH": "matched",
    "NO_MATCH": "no_match",
    "LIMIT_EXCEEDED": "refused",
}


@dataclass(frozen=True)
class ZoomInfo:
    """One account for one run. A call may be repeated: it is free in the contract's year."""

    api: Api
    units_free_since: datetime | None
    batch_size: int = LARGEST_BATCH
    repeats_are_free: bool = True

    def ask(self, questions: Sequence[Question]) -> Reply:
        """Ask about companies by their domains, whose answers come with what was asked, in any order."""
        inputs = [{"companyWebsite": each.domain} for each in questions]
        attributes = {"matchCompanyInput": inputs, "outputFields": list(FIELDS)}
        body = {"data": {"type": "CompanyEnrich", "attributes": attributes}}
        answer = self.api.post("/data/v1/companies/enrich", body, check=expect_list())
        by_domain = {get_path_or_none(raw, "meta", "input", "companyWebsite"): raw for raw in rows(answer)}
        answered = [(each, by_domain[each.domain]) for each in questions if each.domain in by_domain]
        return Reply(tuple(_answer(question, raw) for question, raw in answered))

    def collect(self, reference: str, questions: Sequence[Question], *, wait: bool) -> list[Answer] | None:
        """Nothing comes later: every call is answered at once."""
        raise BadRequest("ZoomInfo", f"ZoomInfo keeps no answers to collect: {reference}, {len(questions)}, {wait}.")

    def credits_left(self) -> Decimal | None:
        """Return how many companies the contract still lets us redeem."""
        left = self.limit().get("usageRemaining")
        return None if left is None else Decimal(str(left))

    def limit(self) -> Mapping[str, Any]:
        """The counter of credits, which has had two names."""
        usage = get_path(rows(self.api.get("/data/v1/users/usage", check=expect_list()))[0], "attributes", "usage")
        named: dict[str, Mapping[str, Any]] = {
            str(each.get("limitType", "")).lower().removesuffix("limit"): each for each in usage or ()
        }
        return named.get("uniqueid", {})


def _answer(question: Question, raw: bytes) -> Answer:
    status = str(get_path_or_none(raw, "meta", "matchStatus"))
    outcome = OUTCOMES.get(status, "failed")
    if outcome != "matched":
        return Answer(question, outcome, raw)
    return Answer(question, outcome, raw, Decimal(1), str(get_path_or_none(raw, "id")))


@contextmanager
def connect(settings: Settings) -> Iterator[ZoomInfo]:
    """Open the account of the app for one run."""
    with Api(
        "ZoomInfo",
        settings.zoominfo_base_url,
        auth=TokenAuth("ZoomInfo", lambda: _token_request(settings), KEYS),
        headers={"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "User-Agent": USER_AGENT},
        rate_limiters=RateLimiter.within(CALLS_A_SECOND, 1.0),
        retry=RetryPolicy(),
        keys=KEYS,
        read_limits=_allowance,
        refine=_refine,
    ) as api:
        yield ZoomInfo(api, settings.charged_once_since())


def _token_request(settings: Settings) -> httpx.Request:
    secret = settings.zoominfo_client_secret or SecretStr("")
    pair = base64.b64encode(f"{settings.zoominfo_client_id}:{secret.get_secret_value()}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "User-Agent": USER_AGENT}
    return httpx.Request(
        "POST", settings.zoominfo_token_url, data={"grant_type": "client_credentials"}, headers=headers
    )


def _allowance(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """How many calls of this second are left; "-1" is what the gateway says when it does not know."""
    remaining = headers.get("x-ratelimit-remaining-second", "")
    return (int(remaining), 1.0) if remaining.isdecimal() else None


def _refine(failure: ApiFailure, response: Response) -> ApiFailure:
    """A refusal for want of credits comes as a bad request."""
    if failure.status != 400 or NO_CREDITS.encode() not in response.body:
        return failure
    message = "ZoomInfo says that the account's credits are used up; they are renewed with the contract."
    return CreditsExhausted("ZoomInfo", message, status=400, method=failure.method, url=failure.url)


def check(zoominfo: ZoomInfo) -> str:
    """Ask for the use of the account, which costs nothing."""
    limit = zoominfo.limit()
    if not limit:
        return "an account that does not say how many credits it has"
    return f"{limit.get('currentUsage')} of {limit.get('totalLimit')} credits of the contract are used"
