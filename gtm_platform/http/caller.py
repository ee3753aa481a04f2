"""One call to an API, whatever library sends it: acquire the rate limit, send, classify, check, retry.

What belongs to a library (its exceptions, its connections) stays in the `send` of each client; what belongs to a system
(how it words its limits) in the `refine` and `read_limits` that the client hands over.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gtm_platform.http.errors import ApiFailure, BadRequest, InvalidResponse, RateLimited, classify
from gtm_platform.http.rate_limit import RateLimiter, current_share
from gtm_platform.http.redaction import bare_url
from gtm_platform.http.retry import RetryPolicy

T = TypeVar("T")
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
SHORTEST_SECRET = 8  # characters; shorter words are not masked, as they occur by chance


@dataclass(frozen=True)
class Request:
    """What is called, for errors to name."""

    method: str
    url: str

    def __str__(self) -> str:
        return f"{self.method} {bare_url(self.url)}"


@dataclass(frozen=True)
class Response:
    """A complete answer of any status, with the secrets that were sent and must be masked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= self.status < 300

    def without_secrets(self) -> "Response":
        """Return it with the secrets masked: some servers repeat the key that they refuse."""
        body = self.body
        for secret in self.secrets:
            if len(secret) >= SHORTEST_SECRET:
                body = body.replace(secret.encode(), b"***")
        return self if body == self.body else replace(self, body=body)


Send = Callable[[], Response]
Check = Callable[[Response], T]
Refine = Callable[[ApiFailure, Response], ApiFailure]
ReadLimits = Callable[[Response, int], tuple[int, float] | None]


def unrefined(failure: ApiFailure, _response: Response) -> ApiFailure:
    """Leave a failure as its status means it."""
    return failure


class Caller:
    """All calls to one system; threads may share it.

    `refine` may replace the failure that a status outside 2xx means. `read_limits` reads out of an answer how many
    calls are left and for how many seconds; it also gets how many calls our own limiter would still let pass. Of the
    limits only that share is used which held when the caller was made.
    """

    def __init__(
        self,
        system: str,
        keys: tuple[str, ...],
        retry: RetryPolicy,
        *,
        refine: Refine = unrefined,
        read_limits: ReadLimits | None = None,
    ) -> None:
        self.system, self.keys, self.retry = system, keys, retry
        self.requests, self._share = 0, current_share()
        self._refine, self._read_limits = refine, read_limits
        self._lock = threading.Lock()

    def call(self, request: Request, send: Send, rate_limiters: Sequence[RateLimiter], check: Check[T]) -> T:
        """Return what `check` makes of the answer; an InvalidResponse that it raises is worth another call.

        It is called again after a transient failure, so it must be safe to repeat.
        """
        self._share.reduce(rate_limiters)
        return self.retry.call(lambda: self._once(request, send, rate_limiters, check))

    def failure(self, kind: type[ApiFailure], message: str, request: Request, status: int | None = None) -> ApiFailure:
        """Return a failure of this system that names the request."""
        return kind(self.system, message, status=status, method=request.method, url=request.url)

    def read_body(self, request: Request, chunks: Iterable[bytes]) -> bytes:
        """Return the chunks of an answer joined, as far as it is one that memory is made for."""
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > MAX_RESPONSE_BYTES:
                limit = f"{MAX_RESPONSE_BYTES >> 20} MB"
                message = f"{self.system} sends more than {limit} in answer to {request}. Ask for smaller pages."
                raise self.failure(BadRequest, message, request)
        return bytes(body)

    def _once(self, request: Request, send: Send, rate_limiters: Sequence[RateLimiter], check: Check[T]) -> T:
        for limiter in rate_limiters:
            limiter.acquire()
        available = min(limiter.available for limiter in rate_limiters) if self._read_limits else 0
        with self._lock:
            self.requests += 1
        self._share.count_call()
        try:
            response = send()
            self._update_limits(response, rate_limiters, available)
            if not response.is_success:
                raise self._unsuccessful(request, response.without_secrets())
            return self._checked(request, response, check)
        except RateLimited as failure:
            if failure.retry_after is not None:
                for limiter in rate_limiters:
                    limiter.pause(min(failure.retry_after, self.retry.max_retry_after))
            raise

    def _update_limits(self, response: Response, rate_limiters: Sequence[RateLimiter], available: int) -> None:
        if self._read_limits and (limits := self._read_limits(response, available)):
            for limiter in rate_limiters:
                limiter.update_from_server(*limits)

    def _unsuccessful(self, request: Request, response: Response) -> ApiFailure:
        failure = classify(
            self.system, self.keys, response.status, request.method, request.url, response.headers, response.body
        )
        return self._refine(failure, response)

    def _checked(self, request: Request, response: Response, check: Check[T]) -> T:
        try:
            return check(response)
        except InvalidResponse as failure:
            reason = failure.message
        if (clean := response.without_secrets()) is not response:
            reason = self._reason_without_secrets(clean, check)
        message = f"{self.system} answered {request} with nothing usable. {reason}"
        raise self.failure(InvalidResponse, message, request, response.status)

    @staticmethod
    def _reason_without_secrets(response: Response, check: Check[T]) -> str:
        try:
            check(response)
        except InvalidResponse as failure:
            return failure.message
        return "It is not shown, because it repeats the key."
