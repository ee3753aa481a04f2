"""The API over real sockets: connections that break, drip and lie."""

import gzip
import threading
import tracemalloc
from collections.abc import Iterator

import pytest

from gtm_platform.http.caller import MAX_RESPONSE_BYTES
from gtm_platform.http.client import Api
from gtm_platform.http.errors import BadRequest, InvalidResponse, RetriesExhausted, Unavailable
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform_tests.http.clock import Clock
from gtm_platform_tests.http.server import Answer, cut, drip, reset, served, whole

HEAD = b"HTTP/1.1 200 OK\r\n"
GOOD = b'{"data":[{"id":"1"}]}'


def api(url: str, clock: Clock, budget: float = 300.0, deadline: float = 30.0) -> Api:
    """Sleeps on the toy clock; the deadline of a request runs on the real one only where a test says so."""
    retry = RetryPolicy(budget=budget, now=clock.now, sleep=clock.sleep, random=lambda: 1.0)
    return Api("Toy", url, auth=None, rate_limiters=RateLimiter(9, 9), retry=retry, keys=(), deadline=deadline)


@pytest.mark.faults("S6", "S10", "S11", "S13")
@pytest.mark.parametrize(
    "broken",
    [
        cut(b""),
        cut(HEAD[:9]),
        cut(HEAD + b"Content-Length: 21\r\n\r\n" + GOOD[:9]),
        cut(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + GOOD[:5] + b"\r\n"),
        cut(HEAD + b"\r\n" + GOOD[:9]),
        reset(HEAD + b"Content-Length: 21\r\n\r\n" + GOOD[:9]),
        whole(GOOD[:-3]),
        whole(b"not gzip", headers="Content-Encoding: gzip\r\n"),
        whole(gzip.compress(GOOD)[:-12], headers="Content-Encoding: gzip\r\n"),
        whole(b"<html>", headers="Content-Type: text/html\r\n"),
    ],
)
def test_an_answer_that_breaks_off_is_asked_for_again(broken: Answer) -> None:
    clock = Clock()
    with served(broken, whole(GOOD)) as (url, requests), api(url, clock) as toy:
        assert toy.get("/things", {"page": 1}) == GOOD
    assert clock.slept == [0.5]
    assert [request.split(b"\r\n")[0] for request in requests] == [b"GET /things?page=1 HTTP/1.1"] * 2


@pytest.mark.faults("S15")
def test_nobody_there_is_said_with_the_address() -> None:
    with served() as (url, _):
        pass
    with api(url, Clock()) as toy, pytest.raises(RetriesExhausted, match=f"GET {url}/things reached nobody") as caught:
        toy.get("/things")
    assert isinstance(caught.value.__cause__, Unavailable)


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Ticking(Clock):
    """Moves on by a second whenever it is read, so that a drip ends without waiting for it."""

    def now(self) -> float:
        self.time += 1
        return self.time


@pytest.mark.faults("S9")
@pytest.mark.parametrize("start", [HEAD + b"X-Slow: ", HEAD + b"Content-Length: 9999999\r\n\r\n"])
def test_drips_of_headers_or_body_end_at_the_deadline(start: bytes, stop: threading.Event) -> None:
    with served(drip(start, b"x", stop)) as (url, _):
        with api(url, Ticking(), budget=0, deadline=8) as toy, pytest.raises(RetriesExhausted) as caught:
            toy.get("/things")
        stop.set()
    assert isinstance(caught.value.__cause__, Unavailable)


@pytest.mark.faults("S13", "V11")
def test_a_gzip_bomb_is_stopped_while_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_RESPONSE_BYTES == 64 << 20
    monkeypatch.setattr("gtm_platform.http.caller.MAX_RESPONSE_BYTES", 1 << 20)
    bomb = gzip.compress(b" " * (40 << 20))
    assert len(bomb) < 64 << 10  # so that it comes in one read
    with served(whole(bomb, headers="Content-Encoding: gzip\r\n")) as (url, _), api(url, Clock()) as toy:
        tracemalloc.start()
        try:
            with pytest.raises(BadRequest, match="more than 1 MB"):
                toy.get("/things")
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()


@pytest.mark.faults("S13")
def test_what_is_packed_in_another_way_than_asked_for_is_not_unpacked() -> None:
    packed = [whole(GOOD, headers=f"Content-Encoding: {packing}\r\n") for packing in ("br", "gzip, gzip", "deflate")]
    with served(*packed, whole(GOOD, headers="Content-Encoding: Identity\r\n")) as (url, requests):
        with api(url, Clock()) as toy:
            assert toy.get("/things") == GOOD
        assert all(b"\r\naccept-encoding: gzip\r\n" in request.lower() for request in requests)


def test_a_long_answer_is_unpacked_whole() -> None:
    long = b'{"data":[' + b",".join(b'{"id":"%d"}' % number for number in range(90_000)) + b"]}"
    with served(whole(gzip.compress(long), headers="Content-Encoding: gzip\r\n")) as (url, _), api(url, Clock()) as toy:
        assert toy.get("/things") == long


@pytest.mark.faults("S6")
def test_an_error_page_under_200_is_told_in_short() -> None:
    page = whole(b"<html>" + b"x " * 5000)
    with served(page) as (url, _), api(url, Clock(), budget=0) as toy, pytest.raises(RetriesExhausted) as caught:
        toy.get("/things")
    assert isinstance(caught.value.__cause__, InvalidResponse)
    assert len(str(caught.value)) < 600
