"""The deadline of a whole request, and bodies that unpack in small pieces.

httpx's own timeouts are per read, so a server that drips bytes (headers too) never trips them; here each read may take
no longer than what the request has left. A few packed bytes can unpack to gigabytes, so they are not unpacked at once.
"""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from gtm_platform.http.compat import wrap_network_backend

PIECE = 1 << 16
GZIP = zlib.MAX_WBITS | 16
Clock = Callable[[], float]
_deadline: ContextVar[tuple[float, Clock]] = ContextVar("deadline", default=(float("inf"), time.monotonic))


@contextmanager
def must_end_within(seconds: float, now: Clock) -> Iterator[None]:
    """Give the requests made inside so many seconds altogether."""
    token = _deadline.set((now() + seconds, now))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """Return how long the request may still take."""
    ends, now = _deadline.get()
    return ends - now()


def enforce_deadline(client: httpx.Client) -> None:
    """Let no read, write or connect of this client take longer than the request has left."""
    wrap_network_backend(client, DeadlineBackend)


def _left(timeout: float | None, late: type[Exception]) -> float:
    left = seconds_left()
    if left <= 0:
        raise late("the deadline of the request has passed")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()


class DeadlineBackend(httpcore.NetworkBackend):
    """A backend whose connections take no longer than the request has left."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))


def unpack(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body as it was before it was packed."""
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing in ("", "identity"):
        return response.iter_raw()
    if packing != "gzip":
        raise httpx.DecodingError(f"The answer is packed as '{packing}', which was not asked for")
    return _gunzip(response.iter_raw())


def _gunzip(packed: Iterator[bytes]) -> Iterator[bytes]:
    gzip = zlib.decompressobj(GZIP)
    for chunk in packed:
        while chunk and not gzip.eof:
            try:
                yield gzip.decompress(chunk, PIECE)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            chunk = gzip.unconsumed_tail
    if not gzip.eof:
        raise httpx.DecodingError("The packed answer breaks off")
