"""A clock for whole requests. httpx's own timeouts are per read, so a server that drips bytes (headers too) never
trips them; here each read may take no longer than what the request has left. Bodies unpack in small pieces: a few
bytes can unpack to gigabytes."""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

PIECE = 1 << 16
GZIP = zlib.MAX_WBITS | 16
Clock = Callable[[], float]
_watch: ContextVar[tuple[float, Clock]] = ContextVar("watch", default=(float("inf"), time.monotonic))


@contextmanager
def must_end_within(seconds: float, now: Clock) -> Iterator[None]:
    token = _watch.set((now() + seconds, now))
    try:
        yield
    finally:
        _watch.reset(token)


def seconds_left() -> float:
    ends, now = _watch.get()
    return ends - now()


def watch_reads(client: httpx.Client) -> None:
    # httpx builds its pools itself and takes no network backend, so it is put in afterwards; proxies have pools too.
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Backend(transport._pool._network_backend)


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


class _Backend(httpcore.NetworkBackend):
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


def unpacked(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body as it was before it was packed."""
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing in ("", "identity"):
        return response.iter_raw()
    if packing != "gzip":
        raise httpx.DecodingError(f"The answer is packed as '{packing}', which was not asked for")
    return _gunzipped(response.iter_raw())


def _gunzipped(packed: Iterator[bytes]) -> Iterator[bytes]:
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
