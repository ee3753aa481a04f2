"""A POST to an address that somebody else chose: to the public internet only, and over within seconds.

A name is resolved once, all its addresses are judged, and the connection goes to one that was: a name that is another
one a moment later (DNS rebinding) changes nothing. No redirect is followed, no proxy used, nothing of an answer kept.
"""

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import httpcore

from gtm_platform.http.deadline import DeadlineBackend, must_end_within
from gtm_platform.http.errors import BadRequest, Unavailable, classify

SECONDS = 10.0  # from the first packet to the end of the answer
ANSWER_BYTES = 64 * 1024  # of an answer that are read, for the receiver's sake; the rest is not waited for
ADDRESSES_TRIED, CONNECT_SECONDS = 3, 5.0
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST_URL = 2_000
UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is public in IPv6
# Addresses with another one inside, to which a gateway would lead; and the anycast of relays for them.
NAT64, RELAYS = ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv4Network("192.88.99.0/24")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddress(BadRequest):
    """The address may not be posted to, whatever is sent."""


@dataclass(frozen=True)
class Allowed:
    """Where may be posted to: ports of the public internet, and this machine if that is allowed."""

    ports: Collection[int] = (443,)
    loopback: bool = False


@dataclass(frozen=True)
class Posted:
    """An answer: its status, and how many seconds the receiver asks us to wait."""

    status: int
    retry_after: float | None = None


def checked_url(url: str, allowed: Allowed) -> SplitResult:
    """Return the parts of a URL that may be posted to, by its looks; ForbiddenAddress says what is wrong."""
    parts, port = _parts(url)
    if parts.username is not None or parts.password is not None:
        raise _forbidden("has credentials in it: send none, the signature says who we are")
    if not parts.hostname:
        raise _forbidden("names no host")
    if parts.fragment:
        raise _forbidden("has a fragment, which is never sent")
    if allowed.loopback and parts.scheme in ("http", "https") and parts.hostname in LOOPBACK_NAMES:
        return parts
    if parts.scheme != "https":
        raise _forbidden("is not https")
    if (443 if port is None else port) not in allowed.ports:
        raise _forbidden(f"has port {port}; allowed are {', '.join(map(str, allowed.ports))}")
    return parts


def _parts(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > LONGEST_URL or not url.isascii() or any(char <= " " or char in '\\"<>^`{|}\x7f' for char in url):
        raise _forbidden("is no URL: it has characters that none has, or too many")
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        raise _forbidden("is no URL") from None


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, and has none inside that is not."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and address not in RELAYS
    if address in NAT64:
        return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(each is not None for each in inner):
        return False  # nobody is reached by such an address alone
    return address in UNICAST and address.is_global


def is_loopback(text: str) -> bool:
    """Whether an address is this machine's own."""
    return ipaddress.ip_address(text.partition("%")[0]).is_loopback


@dataclass
class _Pinned(httpcore.NetworkBackend):
    """Resolves a name once, judges each of its addresses, and connects to one of them."""

    loopback: bool
    inner: httpcore.NetworkBackend = field(default_factory=lambda: DeadlineBackend(httpcore.SyncBackend()))

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._judged(host, port)[:ADDRESSES_TRIED]:
            try:
                seconds = min(timeout or CONNECT_SECONDS, CONNECT_SECONDS)
                return self.inner.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _judged(self, host: str, port: int) -> list[str]:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name cannot be resolved") from None
        addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        may_be_own = self.loopback and host.strip("[]") in LOOPBACK_NAMES
        if not all(is_public(each) or (may_be_own and is_loopback(each)) for each in addresses):
            raise _forbidden("leads to an address that is not public")
        return addresses


class PublicPoster:
    """Posts to one receiver after another, or often to the same.

    Its connections are kept until it is closed.
    """

    def __init__(
        self, system: str, allowed: Allowed, seconds: float = SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        self._system, self._allowed, self._seconds = system, allowed, seconds
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, network_backend=_Pinned(allowed.loopback), max_connections=8, max_keepalive_connections=4
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Post, and return what was answered with a status of 2xx; any other is raised as what it means."""
        parts = checked_url(url, self._allowed)
        sent = {"host": parts.netloc, "content-length": str(len(body)), **{k.lower(): v for k, v in headers.items()}}
        try:
            with (
                must_end_within(self._seconds, time.monotonic),
                self._pool.stream("POST", url, headers=list(sent.items()), content=body) as response,
            ):
                status = response.status
                answered = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
                with contextlib.suppress(httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
                    _read_some(response.iter_stream())  # with the status all is said
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, ssl.SSLError) as error:
            host = f"{parts.scheme}://{parts.hostname}"
            reason = _reason(error)
            raise Unavailable(self._system, f"{host} gave no answer: {reason}.", method="POST", url=host) from None
        if not 200 <= status < 300:
            raise classify(self._system, (), status, "POST", f"{parts.scheme}://{parts.hostname}", answered, b"")
        return Posted(status)


def _read_some(pieces: Iterator[bytes]) -> None:
    read = 0
    for piece in pieces:
        read += len(piece)
        if read >= ANSWER_BYTES:
            return


def _reason(error: Exception) -> str:
    """Say in words what went wrong, without anything that came from outside."""
    if isinstance(error, httpcore.TimeoutException):
        return "it took too long"
    if isinstance(error, ssl.SSLError) or "[SSL" in str(error):
        return "its certificate was not accepted, or TLS did not come about"
    if isinstance(error, httpcore.ProtocolError):
        return "what it sent is no HTTP, or broke off"
    return "the connection failed or broke off"


def _forbidden(why: str) -> ForbiddenAddress:
    return ForbiddenAddress("webhook", f"The address {why}.")
