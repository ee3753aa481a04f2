"""HubSpot's own client, made fit for unattended reading: paced, patient, shared by threads, and failing in sentences.

Answers come back as the bytes that were sent: pages are cut and read as those of every other system are.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from hubspot import HubSpot
from hubspot.crm import objects, owners, pipelines
from hubspot.crm.associations import v4 as associations
from pydantic import SecretStr
from urllib3.exceptions import DecodeError, HTTPError, MaxRetryError, ProtocolError, SSLError
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

from gtm_platform.http.client import MAX_RESPONSE_BYTES, BearerAuth
from gtm_platform.http.errors import (
    ApiFailure,
    BadRequest,
    InvalidResponse,
    RateLimited,
    Unavailable,
    classify,
    tls_refused,
)
from gtm_platform.http.pages import get_path, get_path_or_none, listing, rows
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.redaction import bare_url, excerpt
from gtm_platform.http.retry import RetryPolicy

SYSTEM = "HubSpot"
KEYS = ("HUBSPOT_ACCESS_TOKEN",)
TIMEOUTS = (5, 60)  # seconds to connect, and for each read; the client itself would wait for ever
DEADLINE = 60.0  # seconds for a whole answer, however it drips
CHUNK = 1 << 16
LIST_PAGE, SEARCH_PAGE, LINKS_READ = 100, 200, 1_000

# 190 calls in any 10 seconds, and 5 searches in any one, of which answers say nothing. What is left of a window is room
# for calls that are held up on their way more than others.
CALLS, SEARCHES = (190, 10.2), (5, 1.05)
WINDOW = 10.0
# By so much the server's count may differ from ours, because other calls of ours are under way. By more: others use the
# same token, or the account has the smaller limit.
UNDER_WAY = 10

# HubSpot seldom says how long to wait; these are what its own clients wait.
WAITS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
LOCKED, LOCKED_WAIT = 423, 2.0

RECORDS = listing("results")

# Each generated package has an exception of its own.
REFUSALS = (objects.ApiException, associations.ApiException, owners.ApiException, pipelines.ApiException)


Call = Callable[..., Any]
Check = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Asked:
    method: str
    url: str
    pace: RateLimiter

    def __str__(self) -> str:
        return f"{self.method} {bare_url(self.url)}"


class HubSpotApi:
    def __init__(
        self,
        token: SecretStr,
        base_url: str,
        *,
        patience: RetryPolicy | None = None,
        pace: RateLimiter | None = None,
        search_pace: RateLimiter | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        if not self.base_url.startswith(("https://", "http://")):
            raise BadRequest(SYSTEM, "HUBSPOT_BASE_URL is no address that can be asked: it must begin with https://.")
        self.patience = patience or RetryPolicy()
        self.pace = pace or RateLimiter.within(*CALLS)
        self.search_pace = search_pace or RateLimiter.within(*SEARCHES)
        self._key = BearerAuth(token).secret  # checked: a bad header is quoted in its error
        crm = HubSpot(
            access_token=self._key.get_secret_value(),
            host=self.base_url,
            retry=Retry(total=0, redirect=False),
        ).crm
        # Each of these attributes makes a client with connections of its own, so they are asked for once.
        self._objects, self._searches = crm.objects.basic_api, crm.objects.search_api
        self._links, self._owners, self._pipelines = (
            crm.associations.v4.batch_api,
            crm.owners.owners_api,
            crm.pipelines.pipelines_api,
        )

    def __repr__(self) -> str:
        return f"HubSpotApi({bare_url(self.base_url)!r})"

    def close(self) -> None:
        for api in (self._objects, self._searches, self._links, self._owners, self._pipelines):
            api.api_client.rest_client.pool_manager.clear()

    # --- what is read ----------------------------------------------------------------------------------------------

    def page(self, kind: str, properties: Sequence[str], after: str | None = None) -> bytes:
        call = partial(self._objects.get_page, kind, properties=list(properties), limit=LIST_PAGE, after=after)
        return self._ask("GET", f"/crm/v3/objects/{kind}", call)

    def search(self, kind: str, request: Mapping[str, Any]) -> bytes:
        call = partial(self._searches.do_search, kind, dict(request))
        return self._ask("POST", f"/crm/v3/objects/{kind}/search", call, self.search_pace)

    def links(self, source: str, target: str, inputs: Sequence[Mapping[str, str]]) -> bytes:
        call = partial(self._links.get_page, source, target, {"inputs": list(inputs)})
        check = partial(_all_read, {each["id"] for each in inputs})
        return self._ask("POST", f"/crm/v4/associations/{source}/{target}/batch/read", call, check=check)

    def owners(self, *, archived: bool = False, limit: int = LIST_PAGE, after: str | None = None) -> bytes:
        call = partial(self._owners.get_page, archived=archived, limit=limit, after=after)
        return self._ask("GET", "/crm/v3/owners/", call)

    def pipelines(self, kind: str) -> bytes:
        return self._ask("GET", f"/crm/v3/pipelines/{kind}", partial(self._pipelines.get_all, kind))

    # --- how it is asked -------------------------------------------------------------------------------------------

    def _ask(
        self, method: str, path: str, call: Call, pace: RateLimiter | None = None, check: Check = RECORDS
    ) -> bytes:
        """For reading only: it is asked again after a failure."""
        asked = Asked(method, self.base_url + path, pace or self.pace)
        return self.patience.call(lambda: self._once(asked, call, check))

    def _once(self, asked: Asked, call: Call, check: Check) -> bytes:
        asked.pace.take()
        left = asked.pace.left
        try:
            ends = self.patience.now() + DEADLINE
            response = call(_preload_content=False, _request_timeout=TIMEOUTS)
            body = self._whole(asked, response, ends)
        except REFUSALS as refusal:
            raise self._refused(asked, refusal) from None
        except UnicodeDecodeError as error:
            # The generated code stumbles over an error page that is not UTF-8; what it was about to raise is at hand.
            if not isinstance(error.__context__, REFUSALS):
                raise
            raise self._refused(asked, error.__context__) from None
        except HTTPError as error:
            raise _transport_failure(asked, error) from None
        self._update_limits(response.headers, left)
        return _checked(asked, check, self._without_key(body))

    def _whole(self, asked: Asked, response: BaseHTTPResponse, ends: float) -> bytes:
        body = bytearray()
        try:
            while chunk := response.read1(CHUNK):
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    limit = f"{MAX_RESPONSE_BYTES >> 20} MB"
                    what = f"{SYSTEM} sends more than {limit} in answer to {asked}. Ask for smaller pages."
                    raise BadRequest(SYSTEM, what, method=asked.method, url=asked.url)
                if self.patience.now() > ends:
                    raise ProtocolError(f"the answer was still coming after {DEADLINE:.0f} seconds")
        except BaseException:
            response.close()  # what is left of the answer must not be taken for the next one
            raise
        return bytes(body)

    def _without_key(self, body: bytes) -> bytes:
        """Some servers, and what stands before them, repeat the key that they refuse."""
        return body.replace(self._key.get_secret_value().encode(), b"***")

    def _update_limits(self, headers: Mapping[str, str], left: int) -> None:
        remaining = headers.get("X-HubSpot-RateLimit-Remaining", "")
        if remaining.isdigit() and int(remaining) < left - UNDER_WAY:
            self.pace.learn(int(remaining), WINDOW)

    def _refused(self, asked: Asked, refusal: Any) -> ApiFailure:
        body = refusal.body or b""
        body = self._without_key(body.encode() if isinstance(body, str) else body)
        failure = classify(SYSTEM, KEYS, refusal.status, asked.method, asked.url, refusal.headers or {}, body)
        policy = _policy(body)
        if isinstance(failure, RateLimited) and policy == "DAILY":
            return _used_up(failure)
        if failure.retry_after is None and refusal.status == LOCKED:
            failure.retry_after = LOCKED_WAIT
        if isinstance(failure, RateLimited):
            failure.retry_after = failure.retry_after or WAITS.get(policy, WAITS["TEN_SECONDLY_ROLLING"])
            asked.pace.pause(min(failure.retry_after, self.patience.max_retry_after))
        return failure


def _all_read(asked: Set[str], body: bytes) -> bytes:
    """An answer about associations. That a record has none is told as an error and makes it a 207, but is none."""
    found = RECORDS(body)
    if strangers := {str(get_path_or_none(row, "from", "id")) for row in rows(found, "results")} - asked:
        raise InvalidResponse("", f"It tells of the associations of {len(strangers)} records that were not asked for.")
    wrong = [error for error in get_path(found, "errors") or [] if error.get("category") != "OBJECT_NOT_FOUND"]
    if wrong:
        said = excerpt(str(wrong[0].get("message")))
        raise InvalidResponse("", f"The associations of {len(wrong)} records were not read. It said: {said}")
    return found


def _policy(body: bytes) -> str:
    """Which of the limits was met."""
    try:
        return str(get_path(body, "policyName"))
    except InvalidResponse:
        return ""


def _used_up(failure: ApiFailure) -> ApiFailure:
    what = (
        "HubSpot's daily limit of calls is used up. It lets none through until midnight in the account's time zone: "
        "run again after that, and see which other apps use the account's calls."
    )
    return BadRequest(SYSTEM, what, status=failure.status, method=failure.method, url=failure.url)


def _transport_failure(asked: Asked, error: HTTPError) -> ApiFailure:
    """No whole answer, and why."""
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    kind: type[ApiFailure] = Unavailable
    what = f"got no whole answer ({type(cause).__name__}: {excerpt(str(cause))})."
    if isinstance(cause, SSLError) and tls_refused(str(cause)):
        said = excerpt(str(cause))
        kind, what = (
            BadRequest,
            f"met a server that is not trusted ({said}). Check HUBSPOT_BASE_URL, and its certificate.",
        )
    elif isinstance(cause, DecodeError):
        kind, what = InvalidResponse, "brought an answer that does not unpack."
    return kind(SYSTEM, f"{SYSTEM}: {asked} {what}", method=asked.method, url=asked.url)


def _checked(asked: Asked, check: Check, body: bytes) -> bytes:
    try:
        return check(body)
    except InvalidResponse as bad:
        what = f"{SYSTEM} answered {asked} with nothing usable. {bad.message}"
        raise InvalidResponse(SYSTEM, what, method=asked.method, url=asked.url) from None
