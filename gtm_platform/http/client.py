"""One HTTP API, asked from several threads: its address, key, pace, patience and deadline, declared once per source."""

import logging
import os
import re
import ssl
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.http.deadline import must_end_within, seconds_left, unpacked, watch_reads
from gtm_platform.http.errors import (
    PROXY_ADVICE,
    ApiFailure,
    BadRequest,
    InvalidResponse,
    RateLimited,
    Unavailable,
    classify,
    tls_refused,
)
from gtm_platform.http.pages import expect_json
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.redaction import bare_url, excerpt
from gtm_platform.http.retry import RetryPolicy

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
TIMEOUTS = httpx.Timeout(30.0, connect=10.0)
# Streams of one source run side by side; more connections than threads serve nobody.
LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30.0)
SECRET_NAMES = re.compile(r"auth|key|token|secret|password|cookie", re.IGNORECASE)

Params = Mapping[str, Any] | Sequence[tuple[str, Any]]

# httpx logs every URL with its query, where some systems take their key or an e-mail address; httpcore logs the headers
# of every answer, where some repeat it.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


@cache
def _ssl_context(*_named: str | None) -> ssl.SSLContext:
    """The authorities that are trusted, which take their time to load: once, unless the environment names others."""
    return httpx.create_ssl_context()


class BearerAuth(httpx.Auth):
    def __init__(self, secret: SecretStr) -> None:
        key = secret.get_secret_value().strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("A key is empty, or holds blanks or characters that no key holds: copy it again.")
        self.secret = SecretStr(key)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self.secret.get_secret_value()}"
        yield request

    def __repr__(self) -> str:
        return "BearerAuth(**********)"


class Api:
    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        auth: httpx.Auth | None,
        headers: Mapping[str, str] = {},
        paces: RateLimiter | Callable[[str, str], Sequence[RateLimiter]],
        patience: RetryPolicy,
        keys: tuple[str, ...],
        deadline: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        learn: Callable[[httpx.Headers], tuple[int, float] | None] | None = None,
    ) -> None:
        self.system, self.base_url, self.keys = system, base_url, keys
        self.patience, self.deadline, self.learn = patience, deadline, learn
        self.requests = 0
        self._paces = (lambda _method, _path: (paces,)) if isinstance(paces, RateLimiter) else paces
        self._lock = threading.Lock()
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
        watch_reads(self._client)

    def get(self, path: str, params: Params | None = None, *, check: Callable[[bytes], bytes] = expect_json) -> bytes:
        """The body; `check` returns it, or a BadAnswer that is worth asking again (for other formats than JSON)."""
        return self._ask("GET", path, check, params=params)

    def post(self, path: str, json: Any, *, check: Callable[[bytes], bytes] = expect_json) -> bytes:
        """For searches: it is asked again after a failure, so it must change nothing on the other side."""
        return self._ask("POST", path, check, json=json)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Api({self.system!r}, {bare_url(self.base_url)!r})"

    def _ask(self, method: str, path: str, check: Callable[[bytes], bytes], **content: Any) -> bytes:
        request = self._request(method, path, **content)
        paces = self._paces(method, path)
        return self.patience.call(lambda: self._once(request, paces, check))

    def _request(self, method: str, path: str, **content: Any) -> httpx.Request:
        try:
            request = self._client.build_request(method, path, **content)
        except httpx.InvalidURL as error:
            raise self._failure(BadRequest, f"{self.system}: '{path}' is not an address ({error}).") from None
        home = self._client.base_url
        if (request.url.scheme, request.url.host, request.url.port) != (home.scheme, home.host, home.port):
            what = f"{self.system} is asked at {bare_url(self.base_url)} only, not at {bare_url(str(request.url))}."
            raise self._failure(BadRequest, what, request)
        return request

    def _once(self, request: httpx.Request, paces: Sequence[RateLimiter], check: Callable[[bytes], bytes]) -> bytes:
        for pace in paces:
            pace.take()
        with self._lock:
            self.requests += 1
        try:
            with must_end_within(self.deadline, self.patience.now):
                response, body = self._answer(request)
        except httpx.HTTPError as error:
            raise self._transport_failure(error, request) from None
        self._update_limits(response, paces)
        if not response.is_success:
            raise self._unsuccessful(response, body, paces)
        return b"" if response.status_code == 204 else self._checked(check, body, response)

    def _answer(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        response = self._client.send(request, stream=True)
        try:
            body = bytearray()
            for chunk in unpacked(response):
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    limit = f"{MAX_RESPONSE_BYTES >> 20} MB"
                    what = f"{self.system} sends more than {limit} in one answer. Ask for smaller pages."
                    raise self._failure(BadRequest, what, request)
                if seconds_left() <= 0:
                    raise httpx.ReadTimeout(f"The answer was still coming after {self.deadline:.0f} seconds")
        finally:
            response.close()
        return response, bytes(body)

    def _update_limits(self, response: httpx.Response, paces: Sequence[RateLimiter]) -> None:
        if self.learn and (news := self.learn(response.headers)):
            for pace in paces:
                pace.learn(*news)

    def _unsuccessful(self, response: httpx.Response, body: bytes, paces: Sequence[RateLimiter]) -> ApiFailure:
        request, status = response.request, response.status_code
        said = _without_secrets(body, request)
        failure = classify(self.system, self.keys, status, request.method, str(request.url), response.headers, said)
        if isinstance(failure, RateLimited) and failure.retry_after is not None:
            for pace in paces:
                pace.pause(min(failure.retry_after, self.patience.max_retry_after))
        return failure

    def _checked(self, check: Callable[[bytes], bytes], body: bytes, response: httpx.Response) -> bytes:
        try:
            return check(body)
        except InvalidResponse as bad:
            request = response.request
            clean = _without_secrets(body, request) == body
            why = bad.message if clean else "It is not shown, because it repeats the key."
            what = f"{self.system} answered {request.method} {bare_url(str(request.url))} with nothing usable. {why}"
            raise self._failure(InvalidResponse, what, request, response.status_code) from None

    def _transport_failure(self, error: httpx.HTTPError, request: httpx.Request) -> ApiFailure:
        """No whole answer. The cause stays out: its text can hold the key (a header that is not allowed, for one)."""
        kind, what = self._trouble(error)
        return self._failure(kind, f"{self.system}: {request.method} {bare_url(str(request.url))} {what}", request)

    def _trouble(self, error: httpx.HTTPError) -> tuple[type[ApiFailure], str]:
        why = f"{type(error).__name__}: {excerpt(str(error))}"
        if isinstance(error, httpx.DecodingError):
            return InvalidResponse, "brought an answer that does not unpack."
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
            return BadRequest, f"cannot be sent. Check the base URL and {' and '.join(self.keys) or 'the key'}."
        if isinstance(error, httpx.ProxyError) and "407" in why:
            return BadRequest, f"was stopped by a proxy. {PROXY_ADVICE}."
        if isinstance(error, httpx.ConnectError) and tls_refused(why):
            return BadRequest, f"met a server that is not trusted ({why}). Check the base URL, and its certificate."
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return Unavailable, f"reached nobody ({why}). Check the base URL and the network."
        return Unavailable, f"got no whole answer ({why})."

    def _failure(
        self, kind: type[ApiFailure], what: str, request: httpx.Request | None = None, status: int | None = None
    ) -> ApiFailure:
        if request is None:
            return kind(self.system, what, status=status)
        return kind(self.system, what, status=status, method=request.method, url=str(request.url))


def _without_secrets(body: bytes, request: httpx.Request) -> bytes:
    """Some servers repeat the key they refuse."""
    sent = [*request.headers.items(), *request.url.params.multi_items()]
    for secret in (word for name, value in sent if SECRET_NAMES.search(name) for word in value.split()):
        if len(secret) >= 8:
            body = body.replace(secret.encode(), b"***")
    return body
