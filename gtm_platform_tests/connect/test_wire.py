"""The API over real sockets: connections that break, drip and lie."""

import gzip
import threading
from collections.abc import Iterator

import pytest

from gtm_platform.connect.api import Api
from gtm_platform.connect.failures import BadAnswer, OutOfTime, Unavailable
from gtm_platform.connect.pace import Pace
from gtm_platform.connect.patience import Patience
from gtm_platform_tests.connect.clock import Clock
from gtm_platform_tests.connect.server import Answer, cut, drip, reset, served, whole

HEAD = b"HTTP/1.1 200 OK\r\n"
GOOD = b'{"data":[{"id":"1"}]}'


def api(url: str, clock: Clock, budget: float = 300.0, deadline: float = 30.0) -> Api:
    """Sleeps on the toy clock; the deadline of a request runs on the real one only where a test says so."""
    patience = Patience(budget=budget, now=clock.now, sleep=clock.sleep, random=lambda: 1.0)
    return Api("Toy", url, auth=None, paces=Pace(9, 9), patience=patience, keys=(), deadline=deadline)


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


def test_nobody_there_is_said_with_the_address() -> None:
    with served() as (url, _):
        pass
    with api(url, Clock()) as toy, pytest.raises(OutOfTime, match=f"GET {url}/things got no whole answer") as caught:
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


@pytest.mark.parametrize("start", [HEAD + b"X-Slow: ", HEAD + b"Content-Length: 9999999\r\n\r\n"])
def test_drips_of_headers_or_body_end_at_the_deadline(start: bytes, stop: threading.Event) -> None:
    with served(drip(start, b"x", stop)) as (url, _):
        with api(url, Ticking(), budget=0, deadline=8) as toy, pytest.raises(OutOfTime) as caught:
            toy.get("/things")
        stop.set()
    assert isinstance(caught.value.__cause__, Unavailable)


def test_a_gzip_bomb_is_stopped_while_it_unpacks() -> None:
    bomb = gzip.compress(b" " * (80 << 20), 1)
    with (
        served(whole(bomb, headers="Content-Encoding: gzip\r\n")) as (url, _),
        api(url, Clock()) as toy,
        pytest.raises(Exception, match="more than 64 MB"),
    ):
        toy.get("/things")


def test_an_error_page_under_200_is_told_in_short() -> None:
    page = whole(b"<html>" + b"x " * 5000)
    with served(page) as (url, _), api(url, Clock(), budget=0) as toy, pytest.raises(OutOfTime) as caught:
        toy.get("/things")
    assert isinstance(caught.value.__cause__, BadAnswer)
    assert len(str(caught.value)) < 600
