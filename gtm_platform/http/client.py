"""An HTTP API called with httpx: its address, key, rate limits, retries and deadline; threads may share it.

How a call is limited, classified and retried stands in `caller`; how a list goes on in `pagination`.
"""

import logging
import os
import re
import ssl
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

import httpx
from pydantic import SecretStr

from gtm_platform.http.caller import Caller, Refine, Request, Response, unrefined
from gtm_platform.http.deadline import enforce_deadline, must_end_within, seconds_left, unpack
from gtm_platform.http.errors import PROXY_ADVICE, ApiFailure, BadRequest, InvalidResponse, Unavailable, tls_refused
from gtm_platform.http.pages import expect_json
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.redaction import bare_url, excerpt
from gtm_platform.http.retry import RetryPolicy

TIMEOUTS = httpx.Timeout(30.0, connect=10.0)
# Streams of one source run side by side; more connections than threads serve nobody.
LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30.0)
SECRET_NAMES = re.compile(r"auth|key|token|secret|password|cookie", re.IGNORECASE)

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]
T = TypeVar("T")

# httpx logs every URL with its query, where some systems take their key or an e-mail address; httpcore logs the headers
# of every answer, where some repeat it.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


@cache
def _ssl_context(*_named: str | None) -> ssl.SSLContext:
    """Return the authorities that are trusted: loaded once, as that takes time, unless the environment names others."""
    return httpx.create_ssl_context()


class Answer(NamedTuple):
    """The body of an answer, and its headers."""

    body: bytes
    headers: Mapping[str, str]


class BearerAuth(httpx.Auth):
    """A key that travels as a bearer token; one that no header can carry is refused at once."""

    def __init__(self, secret: SecretStr) -> None:
        key = secret.get_secret_value().strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("A key is empty, or holds blanks or characters that no key holds: copy it again.")
        self.secret = SecretStr(key)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key into the request's header."""
        request.headers["Authorization"] = f"Bearer {self.secret.get_secret_value()}"
        yield request

    def __repr__(self) -> str:
        return "BearerAuth(**********)"


class Api:
    """One HTTP API. `rate_limiters` is one for all calls, or chooses those of a method and a path.

    `read_limits` reads out of an answer's headers how many calls are left and for how many seconds. `refine` may
    replace the failure that a status outside 2xx means.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        auth: httpx.Auth | None,
        headers: Mapping[str, str] = {},
        rate_limiters: RateLimiter | Callable[[str, str], Sequence[RateLimiter]],
        retry: RetryPolicy,
        keys: tuple[str, ...],
        deadline: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        read_limits: Callable[[Mapping[str, str]], tuple[int, float] | None] | None = None,
        refine: Refine = unrefined,
    ) -> None:
        self.system, self.base_url, self.keys = system, base_url, keys
        self.retry, self.deadline = retry, deadline
        from_headers = (lambda response, _: read_limits(response.headers)) if read_limits else None
        self._caller = Caller(system, keys, retry, refine=refine, read_limits=from_headers)
        self._rate_limiters = (
            (lambda _method, _path: (rate_limiters,)) if isinstance(rate_limiters, RateLimiter) else rate_limiters
        )
        self._client = httpx.Client(
            base_url=base_url,
            auth=auth,
            headers={"Accept-Encoding": "gzip", **headers},
            timeout=TIMEOUTS,
            follow_redirects=False,
            limits=LIMITS,
            transport=transport,
            verify=_ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
        )
        enforce_deadline(self._client)

    @property
    def requests(self) -> int:
        """How many calls were made, those that were repeated counted each time."""
        return self._caller.requests

    def get(self, path: str, params: Params | None = None, *, check: Callable[[bytes], bytes] = expect_json) -> bytes:
        """Return what `check` makes of the body; an InvalidResponse that it raises is worth another call."""
        return self._call("GET", path, _body_by(check), params=params)

    def get_answer(
        self,
        path: str,
        params: Params | None = None,
        headers: Mapping[str, str] = {},
        *,
        check: Callable[[bytes], bytes] = expect_json,
    ) -> Answer:
        """Return the body with the headers of the answer, where a list says in a header how it goes on."""
        body_of = _body_by(check)
        return self._call(
            "GET",
            path,
            lambda response: Answer(body_of(response), response.headers),
            params=params,
            headers=headers,
        )

    def post(self, path: str, json: Any, *, check: Callable[[bytes], bytes] = expect_json) -> bytes:
        """Search. It is called again after a failure, so it must change nothing on the other side."""
        return self._call("POST", path, _body_by(check), json=json)

    def put(self, path: str, json: Any, *, check: Callable[[bytes], bytes] = expect_json) -> bytes:
        """Set values. It is called again after a failure, so that twice has to be the same as once."""
        return self._call("PUT", path, _body_by(check), json=json)

    def delete(self, path: str, *, check: Callable[[bytes], bytes] = expect_json) -> bytes:
        """Take something away, which may be gone already after a failure: it is called again, too."""
        return self._call("DELETE", path, _body_by(check))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Api({self.system!r}, {bare_url(self.base_url)!r})"

    def _call(self, method: str, path: str, read: Callable[[Response], T], **content: Any) -> T:
        wire_request = self._build(method, path, **content)
        request = Request(method, str(wire_request.url))
        return self._caller.call(
            request,
            lambda: self._send(request, wire_request),
            self._rate_limiters(method, path),
            read,
        )

    def _build(self, method: str, path: str, **content: Any) -> httpx.Request:
        try:
            request = self._client.build_request(method, path, **content)
        except httpx.InvalidURL as error:
            raise BadRequest(self.system, f"{self.system}: '{path}' is not an address ({error}).") from None
        home = self._client.base_url
        if (request.url.scheme, request.url.host, request.url.port) != (home.scheme, home.host, home.port):
            address = str(request.url)
            message = f"{self.system} is asked at {bare_url(self.base_url)} only, not at {bare_url(address)}."
            raise BadRequest(self.system, message, method=method, url=address)
        return request

    def _send(self, request: Request, wire_request: httpx.Request) -> Response:
        try:
            with must_end_within(self.deadline, self.retry.now):
                return self._receive(request, wire_request)
        except httpx.HTTPError as error:
            raise self._transport_failure(error, request) from None

    def _receive(self, request: Request, wire_request: httpx.Request) -> Response:
        response = self._client.send(wire_request, stream=True)
        try:
            body = self._caller.read_body(request, self._before_deadline(unpack(response)))
        finally:
            response.close()
        return Response(response.status_code, response.headers, body, _secrets(response.request))

    def _before_deadline(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if seconds_left() <= 0:
                raise httpx.ReadTimeout(f"The answer was still coming after {self.deadline:.0f} seconds")
            yield chunk

    def _transport_failure(self, error: httpx.HTTPError, request: Request) -> ApiFailure:
        """No whole answer. The cause stays out: its text can hold the key (a header that is not allowed, for one)."""
        kind, sentence = self._transport_sentence(error)
        return self._caller.failure(kind, f"{self.system}: {request} {sentence}", request)

    def _transport_sentence(self, error: httpx.HTTPError) -> tuple[type[ApiFailure], str]:
        reason = f"{type(error).__name__}: {excerpt(str(error))}"
        if isinstance(error, httpx.DecodingError):
            return InvalidResponse, "brought an answer that does not unpack."
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
            return BadRequest, f"cannot be sent. Check the base URL and {' and '.join(self.keys) or 'the key'}."
        if isinstance(error, httpx.ProxyError) and "407" in reason:
            return BadRequest, f"was stopped by a proxy. {PROXY_ADVICE}."
        if isinstance(error, httpx.ConnectError) and tls_refused(reason):
            return BadRequest, f"met a server that is not trusted ({reason}). Check the base URL, and its certificate."
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return Unavailable, f"reached nobody ({reason}). Check the base URL and the network."
        return Unavailable, f"got no whole answer ({reason})."


def _body_by(check: Callable[[bytes], bytes]) -> Callable[[Response], bytes]:
    return lambda response: b"" if response.status == 204 else check(response.body)


def _secrets(request: httpx.Request) -> tuple[str, ...]:
    """What was sent under a name of a secret."""
    sent = [*request.headers.items(), *request.url.params.multi_items()]
    return tuple(word for name, value in sent if SECRET_NAMES.search(name) for word in value.split())
