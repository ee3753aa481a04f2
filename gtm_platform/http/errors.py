"""Why a call failed, and whether another call can help. `str()` of each is a sentence that may be shown to anyone.

ApiFailure
├── Permanent             another call cannot help
│   ├── Unauthorized      401
│   ├── Forbidden         403
│   ├── NotFound          404
│   ├── BadRequest        any other 4xx, a redirect, an address that may not be asked
│   ├── CursorLoop        paging that does not advance
│   └── RetriesExhausted  the retries after transient failures are spent
└── Transient             another call may help
    ├── RateLimited       429, or a 403 that is a rate limit in disguise
    ├── Unavailable       5xx, 408, 423, 425, 477, no connection, a time-out
    └── InvalidResponse   not the JSON expected: HTML under 200, a body cut short
"""

import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from gtm_platform.http.redaction import bare_url, excerpt, masked

# 408 and 425 say "again, please", 423 is a lock that passes, 477 an account being moved.
TRANSIENT_STATUSES = frozenset({408, 423, 425, 477})
UNIX_SECONDS_BEGIN = 1_000_000_000
PROXY_ADVICE = "It wants to know who asks: check the user and password in HTTPS_PROXY and HTTP_PROXY"


class ApiFailure(Exception):
    """A call that failed: a sentence, and what a caller decides by."""

    def __init__(
        self,
        system: str,
        message: str,
        *,
        status: int | None = None,
        method: str | None = None,
        url: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.system = system
        self.message = masked(message)
        self.status = status
        self.method = method
        self.url = None if url is None else bare_url(url)
        self.retry_after = retry_after
        super().__init__(self.message)

    def metadata(self) -> dict[str, str | int | bool]:
        """What Dagster may show: flat, without secrets or personal data."""
        wait = None if self.retry_after is None else round(self.retry_after)
        details: dict[str, str | int | bool | None] = {
            "system": self.system,
            "failure": type(self).__name__,
            "worth_retrying": isinstance(self, Transient),
            "status": self.status,
            "method": self.method,
            "url": self.url,
            "retry_after_seconds": wait,
        }
        return {name: value for name, value in details.items() if value is not None}


class Permanent(ApiFailure):
    """Another call cannot help."""


class Unauthorized(Permanent):
    """The key is not accepted."""


class Forbidden(Permanent):
    """The key lacks a permission."""


class NotFound(Permanent):
    """The record or the endpoint does not exist."""


class BadRequest(Permanent):
    """The request can never succeed as it is."""


class CursorLoop(Permanent):
    """Paging does not advance."""


class RetriesExhausted(Permanent):
    """The retries after transient failures are spent; a later run may succeed."""


class Transient(ApiFailure):
    """Another call may help."""


class RateLimited(Transient):
    """A rate limit was met."""


class Unavailable(Transient):
    """The system is down, or no whole answer came."""


class InvalidResponse(Transient):
    """The answer is not what its status says."""


def classify(
    system: str, keys: tuple[str, ...], status: int, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> ApiFailure:
    """Return the failure that an answer outside 2xx means."""
    lowered = {name.lower(): value for name, value in headers.items()}
    kind = _kind(status, lowered)
    message = f"{system} answered {status} to {method} {bare_url(url)}{_advice(kind, status, keys)}."
    if reason := _error_message(body):
        message += f" It said: {reason}"
    wait = _wait(lowered, limited=kind is RateLimited) if issubclass(kind, Transient) else None
    return kind(system, message, status=status, method=method, url=url, retry_after=wait)


def _kind(status: int, headers: Mapping[str, str]) -> type[ApiFailure]:
    # GitHub among others answers 403 where it means 429; the headers give it away.
    disguised = status == 403 and ("retry-after" in headers or headers.get("x-ratelimit-remaining") == "0")
    if status == 429 or disguised:
        return RateLimited
    if status >= 500 or status in TRANSIENT_STATUSES:
        return Unavailable
    return {401: Unauthorized, 403: Forbidden, 404: NotFound}.get(status, BadRequest)


def _advice(kind: type[ApiFailure], status: int, keys: tuple[str, ...]) -> str:
    names = " and ".join(keys) or "its credentials"
    if kind is Unauthorized:
        return f": it does not accept the key. Check that {names} holds a valid key, or make a new one"
    if kind is Forbidden:
        return f": the key in {names} lacks a permission that this call needs. Grant it, or use another key"
    if status == 407:
        return f", which is a proxy's word. {PROXY_ADVICE}"
    if 300 <= status < 400:
        return ", a redirect, which is not followed. Check the base URL of this system"
    return ""


def tls_refused(reason: str) -> bool:
    """Whether TLS can never come about, other than where a connection merely breaks off."""
    return "[SSL" in reason and "EOF" not in reason


def _wait(headers: Mapping[str, str], *, limited: bool) -> float | None:
    """Return the seconds that the server asks us to wait; None where it does not say, or says nonsense."""
    retry_after = headers.get("retry-after", "").strip()
    seconds = _number(retry_after)
    if seconds is None and (moment := _unix(retry_after)):
        seconds = moment - _server_now(headers)
    if seconds is None and limited and (reset := _number(headers.get("x-ratelimit-reset", ""))) is not None:
        # Most give the second at which the window ends, some the seconds until then.
        seconds = reset if reset < UNIX_SECONDS_BEGIN else reset - _server_now(headers)
    return seconds if seconds is not None and seconds >= 0 else None


def _server_now(headers: Mapping[str, str]) -> float:
    """On the server's own clock where it tells it, because ours may differ."""
    return _unix(headers.get("date", "")) or time.time()


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 12 else None


def _unix(http_date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(http_date)
    except (TypeError, ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _error_message(body: bytes) -> str:
    """The error message of the answer, wherever this kind of API puts it, else the answer's beginning."""
    try:
        message = _message(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = None
    return excerpt(message or body.decode("utf-8", "replace"))


def _message(answer: Any) -> str | None:
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list):
        return _message(answer[0]) if answer else None
    if isinstance(answer, dict):
        places = ("message", "error_description", "detail", "error", "errors", "title", "description")
        return next((text for place in places if (text := _message(answer.get(place)))), None)
    return None
