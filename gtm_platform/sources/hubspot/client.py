"""HubSpot's own client made fit for unattended work: rate limited, retried, shared by threads, failing in sentences.

One client for reading and writing, and one rate budget for each token: what is written to HubSpot stands in
`delivery.hubspot`, on top of this. Answers come back as the bytes that were sent: pages are cut and read as those of
every other system are.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import cache, cached_property, partial
from operator import attrgetter
from typing import Any, NamedTuple

from hubspot import HubSpot
from hubspot.crm import objects, owners, pipelines, properties
from hubspot.crm.associations import v4 as associations
from pydantic import SecretStr
from urllib3.exceptions import DecodeError, HTTPError, MaxRetryError, ProtocolError, SSLError
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.caller import Caller, Request, Response
from gtm_platform.http.client import BearerAuth
from gtm_platform.http.compat import close_hubspot_connections
from gtm_platform.http.errors import (
    ApiFailure,
    BadRequest,
    Forbidden,
    InvalidResponse,
    NotFound,
    RateLimited,
    RetriesExhausted,
    Unavailable,
    tls_refused,
)
from gtm_platform.http.pages import expect_json, expect_list, get_path, get_path_or_none, rows
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.redaction import bare_url, excerpt
from gtm_platform.http.retry import RetryPolicy

SYSTEM = "HubSpot"
KEYS = ("HUBSPOT_ACCESS_TOKEN",)
POOL = "hubspot"  # of Dagster: reading and writing take turns, as they share a token's rate budget
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

RESERVE_REACHED = (
    "No more than {share:.0%} of the calls that HubSpot allows the account in a day is left, which is for the "
    "company's other apps. What was done is kept: run again after midnight in the account's time zone."
)
RECORDS = expect_list("results")
ACCOUNT = "/account-info/v3/details"
TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"

# Each generated package has an exception of its own.
REFUSALS = (
    objects.ApiException,
    associations.ApiException,
    owners.ApiException,
    pipelines.ApiException,
    properties.ApiException,
)

SdkCall = Callable[..., Any]
Check = Callable[[bytes], bytes]


class RateLimits(NamedTuple):
    """The budgets of a token: that of all calls but searches, and that of searches."""

    calls: RateLimiter
    searches: RateLimiter


@cache
def _shared_limits(_account: str) -> RateLimits:
    """Return the budgets of a token, the same for every client of this process."""
    return RateLimits(RateLimiter.within(*CALLS), RateLimiter.within(*SEARCHES))


class HubSpotClient:
    """HubSpot for one token; threads may share it. `check_account`, if any, comes before the first call.

    It makes no call once no more than `daily_reserve`, a share, is left of the account's calls of the day.
    """

    def __init__(
        self,
        token: SecretStr,
        base_url: str,
        *,
        retry: RetryPolicy | None = None,
        limits: RateLimits | None = None,
        check_account: Callable[[AccountIdentity], None] | None = None,
        daily_reserve: float = 0.0,
    ) -> None:
        self._daily_reserve, self._daily_left = daily_reserve, 1.0
        self.base_url = base_url.rstrip("/")
        if not self.base_url.startswith(("https://", "http://")):
            raise BadRequest(SYSTEM, "HUBSPOT_BASE_URL is no address that can be asked: it must begin with https://.")
        self._key = BearerAuth(token).secret  # checked: a bad header is quoted in its error
        self.retry, self._check_account = retry or RetryPolicy(), check_account
        key = self._key.get_secret_value()
        account = hashlib.sha256(f"{key} {self.base_url}".encode()).hexdigest()
        self.limits = limits or _shared_limits(account)
        self._caller = Caller(SYSTEM, KEYS, self.retry, refine=_refine, read_limits=_read_limits)
        self._crm = HubSpot(access_token=key, host=self.base_url, retry=Retry(total=0, redirect=False)).crm
        self._apis: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"HubSpotClient({bare_url(self.base_url)!r})"

    def close(self) -> None:
        """Close the connections."""
        for api in self._apis.values():
            close_hubspot_connections(api)

    def api(self, path: str) -> Any:
        """Return an API of the SDK by its path below `crm`; each has connections of its own, so it is made once."""
        with self._lock:
            if path not in self._apis:
                self._apis[path] = attrgetter(path)(self._crm)
            return self._apis[path]

    # --- reading ---------------------------------------------------------------------------------------------------

    def page(self, kind: str, properties: Sequence[str], after: str | None = None) -> bytes:
        """List a page of the objects of a kind."""
        list_page = self.api("objects.basic_api").get_page
        call = partial(list_page, kind, properties=list(properties), limit=LIST_PAGE, after=after)
        return self.call("GET", f"/crm/v3/objects/{kind}", call)

    def search(self, kind: str, request: Mapping[str, Any]) -> bytes:
        """Search the objects of a kind."""
        call = partial(self.api("objects.search_api").do_search, kind, dict(request))
        return self.call("POST", f"/crm/v3/objects/{kind}/search", call, limiter=self.limits.searches)

    def histories(self, kind: str, ids: Sequence[str], names: Sequence[str]) -> bytes:
        """Read all values that some properties of up to 50 objects had, and what set each."""
        inputs = [{"id": id} for id in ids]
        body = {"inputs": inputs, "properties": [], "propertiesWithHistory": list(names)}
        call = partial(self.api("objects.batch_api").read, kind, body, archived=False)
        return self.call("POST", f"/crm/v3/objects/{kind}/batch/read", call)

    def links(self, source: str, target: str, inputs: Sequence[Mapping[str, str]]) -> bytes:
        """Read which objects of the kind `target` are associated with these of the kind `source`."""
        call = partial(self.api("associations.v4.batch_api").get_page, source, target, {"inputs": list(inputs)})
        check = partial(_expect_all_read, {record["id"] for record in inputs})
        return self.call("POST", f"/crm/v4/associations/{source}/{target}/batch/read", call, check=check)

    def owners(self, *, archived: bool = False, limit: int = LIST_PAGE, after: str | None = None) -> bytes:
        """List a page of the owners."""
        call = partial(self.api("owners.owners_api").get_page, archived=archived, limit=limit, after=after)
        return self.call("GET", "/crm/v3/owners/", call)

    def pipelines(self, kind: str) -> bytes:
        """List the pipelines of a kind of objects, with their stages."""
        return self.call("GET", f"/crm/v3/pipelines/{kind}", partial(self.api("pipelines.pipelines_api").get_all, kind))

    def account(self) -> bytes:
        """Read which portal the token belongs to."""
        return self._plain("GET", ACCOUNT)

    @cached_property
    def app_id(self) -> str | None:
        """The id of the app whose token this is; None where the token is of another kind."""
        body = {"tokenKey": self._key.get_secret_value()}
        try:
            return str(json.loads(self._plain("POST", TOKEN_INFO, body))["appId"])
        except (BadRequest, Forbidden, NotFound, KeyError):
            return None

    def delete_for_good(self, kind: str, id: str) -> None:
        """Delete an object as privacy laws want it: nobody can restore it, and its address does not come back."""
        self._plain("POST", f"/crm/v3/objects/{kind}/gdpr-delete", {"objectId": id}, check=bytes)

    def _plain(
        self, method: str, path: str, body: Mapping[str, str] | None = None, check: Check = expect_json
    ) -> bytes:
        """Ask a path for which the SDK has no method: the client of any of its APIs sends it with the token."""
        send = self.api("owners.owners_api").api_client.call_api
        headers = {"Content-Type": "application/json"} if body else {}
        call = partial(
            send, path, method, header_params=headers, body=body, auth_settings=["oauth2"], _return_http_data_only=True
        )
        return self.call(method, path, call, check=check)

    # --- every call ------------------------------------------------------------------------------------------------

    def call(
        self, method: str, path: str, call: SdkCall, *, limiter: RateLimiter | None = None, check: Check = RECORDS
    ) -> bytes:
        """Return the body of what a method of the SDK answers.

        It is called again after a transient failure, so it must be safe to repeat.
        """
        if self._check_account and path != ACCOUNT:
            self._check_account(identity(self))
            self._check_account = None
        request = Request(method, self.base_url + path)
        if self._daily_left <= self._daily_reserve:
            raise self._caller.failure(RetriesExhausted, RESERVE_REACHED.format(share=self._daily_reserve), request)
        limiters = (limiter or self.limits.calls,)
        return self._caller.call(
            request,
            lambda: self._send(request, call),
            limiters,
            lambda response: check(response.without_secrets().body),
        )

    def _send(self, request: Request, call: SdkCall) -> Response:
        try:
            ends = self.retry.now() + DEADLINE
            answer = call(_preload_content=False, _request_timeout=TIMEOUTS)
            self._daily_left = _daily_left(answer.headers, self._daily_left)
            return Response(answer.status, answer.headers, self._read(request, answer, ends), self._secrets())
        except REFUSALS as refusal:
            return self._refused(refusal)
        except UnicodeDecodeError as error:
            # The generated code stumbles over an error page that is not UTF-8; what it was about to raise is at hand.
            if not isinstance(error.__context__, REFUSALS):
                raise
            return self._refused(error.__context__)
        except HTTPError as error:
            raise self._transport_failure(request, error) from None

    def _read(self, request: Request, answer: BaseHTTPResponse, ends: float) -> bytes:
        try:
            return self._caller.read_body(request, self._chunks(answer, ends))
        except BaseException:
            answer.close()  # what is left of the answer must not be taken for the next one
            raise

    def _chunks(self, answer: BaseHTTPResponse, ends: float) -> Iterator[bytes]:
        while chunk := answer.read1(CHUNK):
            yield chunk
            if self.retry.now() > ends:
                raise ProtocolError(f"the answer was still coming after {DEADLINE:.0f} seconds")

    def _refused(self, refusal: Any) -> Response:
        body = refusal.body or b""
        body = body.encode() if isinstance(body, str) else body
        return Response(refusal.status or 0, refusal.headers or {}, body, self._secrets())

    def _secrets(self) -> tuple[str, ...]:
        return (self._key.get_secret_value(),)

    def _transport_failure(self, request: Request, error: HTTPError) -> ApiFailure:
        """No whole answer, and why."""
        cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        reason = excerpt(str(cause))
        kind: type[ApiFailure] = Unavailable
        sentence = f"got no whole answer ({type(cause).__name__}: {reason})."
        if isinstance(cause, SSLError) and tls_refused(str(cause)):
            kind = BadRequest
            sentence = f"met a server that is not trusted ({reason}). Check HUBSPOT_BASE_URL, and its certificate."
        elif isinstance(cause, DecodeError):
            kind, sentence = InvalidResponse, "brought an answer that does not unpack."
        return self._caller.failure(kind, f"{SYSTEM}: {request} {sentence}", request)


def identity(client: HubSpotClient) -> AccountIdentity:
    """Ask which portal the token belongs to."""
    portal = get_path(client.account(), "portalId")
    return AccountIdentity("hubspot", str(portal), f"HubSpot portal {portal}")


def _daily_left(headers: Mapping[str, str], before: float) -> float:
    """Return the share of the day's calls that is left; as before where the answer does not say, as of a search."""
    most, left = (headers.get(f"X-HubSpot-RateLimit-Daily{part}", "") for part in ("", "-Remaining"))
    return int(left) / int(most) if most.isdigit() and left.isdigit() and int(most) else before


def _read_limits(response: Response, available: int) -> tuple[int, float] | None:
    remaining = response.headers.get("X-HubSpot-RateLimit-Remaining", "")
    if response.is_success and remaining.isdigit() and int(remaining) < available - UNDER_WAY:
        return int(remaining), WINDOW
    return None


def _refine(failure: ApiFailure, response: Response) -> ApiFailure:
    """Tell HubSpot's limits apart, and wait for as long as each of them takes."""
    policy = _policy_name(response.body)
    if isinstance(failure, RateLimited):
        if policy == "DAILY":
            return _daily_limit_reached(failure)
        failure.retry_after = failure.retry_after or WAITS.get(policy, WAITS["TEN_SECONDLY_ROLLING"])
    elif failure.retry_after is None and response.status == LOCKED:
        failure.retry_after = LOCKED_WAIT
    return failure


def _policy_name(body: bytes) -> str:
    """Return which of the limits was met."""
    return str(get_path_or_none(body, "policyName"))


def _daily_limit_reached(failure: ApiFailure) -> ApiFailure:
    message = (
        "HubSpot's daily limit of calls is used up. It lets none through until midnight in the account's time zone: "
        "run again after that, and see which other apps use the account's calls."
    )
    return RetriesExhausted(SYSTEM, message, status=failure.status, method=failure.method, url=failure.url)


def _expect_all_read(ids: Set[str], body: bytes) -> bytes:
    """Check an answer about associations. That a record has none comes as an error in a 207, but is none."""
    answer = RECORDS(body)
    if strangers := {str(get_path_or_none(row, "from", "id")) for row in rows(answer, "results")} - ids:
        raise InvalidResponse("", f"It tells of the associations of {len(strangers)} records that were not asked for.")
    errors = [error for error in get_path(answer, "errors") or [] if error.get("category") != "OBJECT_NOT_FOUND"]
    if errors:
        reason = excerpt(str(errors[0].get("message")))
        raise InvalidResponse("", f"The associations of {len(errors)} records were not read. It said: {reason}")
    return answer
