"""The API against a transport that plays the server; what only a real socket can do is in test_wire.py."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import SecretStr

from gtm_platform.http.caller import MAX_RESPONSE_BYTES
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import (
    ApiFailure,
    BadRequest,
    InvalidResponse,
    RetriesExhausted,
    Unauthorized,
    Unavailable,
)
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform_tests.http.clock import Clock

Handler = Callable[[httpx.Request], httpx.Response]
CANARY = "canary-5f1e-secret"


def api(clock: Clock, handler: Handler, **more: object) -> Api:
    defaults: dict[str, object] = {
        "auth": BearerAuth(SecretStr(CANARY)),
        "rate_limiters": RateLimiter(1000, 1000, clock.now, clock.sleep),
        "retry": RetryPolicy(now=clock.now, sleep=clock.sleep, random=lambda: 1.0),
        "keys": ("TOY_API_KEY",),
        "transport": httpx.MockTransport(handler),
    }
    return Api("Toy", "https://api.toy.example/v1", **{**defaults, **more})  # type: ignore[arg-type]


def answers(*responses: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    """The n-th request gets the n-th answer, the last for ever."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = responses[min(len(seen), len(responses)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)

    return handler, seen


def ok(body: bytes = b'{"data":[]}', **headers: str) -> httpx.Response:
    return httpx.Response(200, content=body, headers=headers)


def test_get_sends_key_and_parameters_and_gives_the_body() -> None:
    handler, seen = answers(ok())
    with api(Clock(), handler, headers={"Toy-Version": "2"}) as toy:
        assert toy.get("/things", [("expand[]", "a"), ("expand[]", "b")]) == b'{"data":[]}'
    assert str(seen[0].url) == "https://api.toy.example/v1/things?expand%5B%5D=a&expand%5B%5D=b"
    assert seen[0].headers["authorization"] == f"Bearer {CANARY}"
    assert seen[0].headers["toy-version"] == "2"


def test_post_sends_json_and_takes_no_content_for_an_answer() -> None:
    handler, seen = answers(httpx.Response(204))
    assert api(Clock(), handler).post("/search", {"query": 1}) == b""
    assert seen[0].content == b'{"query":1}'


@pytest.mark.parametrize(
    ("trouble", "wait"),
    [
        (httpx.Response(429, headers={"Retry-After": "7"}), 7.0),
        (httpx.Response(429), 0.5),
        (httpx.Response(429, headers={"Retry-After": "soon"}), 0.5),
        (
            httpx.Response(
                429, headers={"Retry-After": "Sat, 21 Nov 2026 12:01:30 GMT", "Date": "Sat, 21 Nov 2026 12:00:00 GMT"}
            ),
            90.0,
        ),
        (httpx.Response(500), 0.5),
        (ok(b"<html>Bad gateway</html>"), 0.5),
        (ok(b'{"data":[{"id":"1"},{"i'), 0.5),
        (ok(b""), 0.5),
        (httpx.ReadTimeout("slow"), 0.5),
        (httpx.ConnectError("refused"), 0.5),
        (httpx.DecodingError("bad gzip"), 0.5),
    ],
)
def test_transient_trouble_is_waited_out(trouble: httpx.Response | Exception, wait: float) -> None:
    clock = Clock()
    handler, seen = answers(trouble, ok())
    toy = api(clock, handler)
    assert toy.get("/things") == b'{"data":[]}'
    assert clock.now() == pytest.approx(wait, abs=0.01)
    assert toy.requests == len(seen) == 2


@pytest.mark.parametrize(
    ("answer", "last"),
    [(httpx.Response(500), Unavailable), (ok(b"<html>Bad gateway</html>"), InvalidResponse)],
)
def test_trouble_for_ever_ends_within_the_budget(answer: httpx.Response, last: type[ApiFailure]) -> None:
    clock = Clock()
    with pytest.raises(RetriesExhausted) as caught:
        api(clock, answers(answer)[0]).get("/things")
    assert isinstance(caught.value.__cause__, last)
    assert caught.value.system == "Toy"
    assert clock.now() <= 300


def test_a_huge_wait_stops_this_call_and_pauses_the_others_for_no_longer_than_patience() -> None:
    clock = Clock()
    handler, _ = answers(httpx.Response(429, headers={"Retry-After": "86400"}), ok())
    toy = api(clock, handler)
    with pytest.raises(RetriesExhausted, match="Run again after"):
        toy.get("/things")
    toy.get("/things")
    assert clock.now() == pytest.approx(120)


def test_permanent_failures_are_met_once() -> None:
    handler, seen = answers(httpx.Response(401, json={"error": {"message": "Invalid API Key"}}))
    with pytest.raises(Unauthorized, match="TOY_API_KEY"):
        api(Clock(), handler).get("/things")
    assert len(seen) == 1


def test_almost_json_is_mended_before_it_is_handed_on() -> None:
    handler, _ = answers(ok(b'\xef\xbb\xbf{"n":NaN}'))
    assert api(Clock(), handler).get("/things") == b'{"n":null}'


def test_other_formats_bring_their_own_check() -> None:
    handler, _ = answers(ok(b"day,views\n"))
    assert api(Clock(), handler).get("/report.csv", check=bytes) == b"day,views\n"


@pytest.mark.faults("S14")
@pytest.mark.parametrize(
    "address", ["https://evil.example/x", "http://api.toy.example/v1/x", "https://api.toy.example:8/"]
)
def test_other_hosts_are_not_asked(address: str) -> None:
    handler, seen = answers(ok())
    with pytest.raises(BadRequest, match=r"asked at https://api\.toy\.example/v1 only"):
        api(Clock(), handler).get(address)
    assert seen == []


def test_an_absolute_address_at_home_is_asked() -> None:
    handler, seen = answers(ok())
    api(Clock(), handler).get("https://api.toy.example/v1/things?page=2")
    assert seen[0].url.params["page"] == "2"


def test_redirects_are_not_followed() -> None:
    handler, seen = answers(httpx.Response(302, headers={"Location": "http://169.254.169.254/"}))
    with pytest.raises(BadRequest, match="redirect"):
        api(Clock(), handler).get("/things")
    assert len(seen) == 1


class Slow(httpx.SyncByteStream):
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.clock.time += 7
            yield b" "


def test_a_body_that_drips_is_ended_by_the_deadline() -> None:
    clock = Clock()

    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Slow(clock))

    toy = api(clock, handler, retry=RetryPolicy(budget=10, now=clock.now, sleep=clock.sleep), deadline=20)
    with pytest.raises(RetriesExhausted, match="still coming after 20 seconds") as caught:
        toy.get("/things")
    assert isinstance(caught.value.__cause__, Unavailable)
    assert clock.now() == 21


def test_a_body_without_end_is_refused() -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(b" " * (MAX_RESPONSE_BYTES + 1)))

    with pytest.raises(BadRequest, match="more than 64 MB"):
        api(Clock(), handler).get("/things")


def test_each_call_takes_from_the_paces_of_its_path_and_learns() -> None:
    clock = Clock()
    every, search = (RateLimiter(100, 100, clock.now, clock.sleep) for _ in range(2))
    handler, _ = answers(ok(remaining="1"))
    toy = api(
        clock,
        handler,
        rate_limiters=lambda method, path: (every, search) if (method, path) == ("POST", "/search") else (every,),
        read_limits=lambda headers: (int(headers["remaining"]), 10.0),
    )
    toy.get("/things")
    toy.get("/things")
    toy.post("/search", {})
    assert clock.now() == pytest.approx(10)


def test_requests_are_counted_over_threads() -> None:
    toy = api(Clock(), answers(ok())[0])
    threads = [threading.Thread(target=lambda: [toy.get("/things") for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert toy.requests == 80


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, text=f"Key {CANARY} is unknown"),
        httpx.Response(400, json={"message": f"Header was Bearer {CANARY}"}),
        ok(f"<html>{CANARY}".encode()),
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {CANARY}'"),
    ],
)
def test_the_key_is_never_repeated(answer: httpx.Response | Exception) -> None:
    clock = Clock()
    toy = api(clock, answers(answer)[0], retry=RetryPolicy(budget=0, now=clock.now, sleep=clock.sleep))
    with pytest.raises(ApiFailure) as caught:
        toy.get("/things", {"token": CANARY})
    shown: list[BaseException | None] = [caught.value, caught.value.__cause__]
    assert all(CANARY not in f"{failure} {failure!r} {vars(failure)}" for failure in shown if failure)
    assert CANARY not in str(caught.value.metadata())


def test_reprs_show_no_secret() -> None:
    auth = BearerAuth(SecretStr(f" {CANARY}\n"))
    toy = Api(
        "Toy",
        f"https://u:{CANARY}@toy.example/v1?k={CANARY}",
        auth=auth,
        rate_limiters=RateLimiter(1, 1),
        retry=RetryPolicy(),
        keys=(),
    )
    assert repr(toy) == "Api('Toy', 'https://toy.example/v1')"
    assert CANARY not in repr(auth) + str(vars(auth))
    toy.close()


@pytest.mark.parametrize("key", ["", " ", "two words", "caf\u00e9", "tab\there"])
def test_what_cannot_be_a_key_is_said_before_it_is_sent(key: str) -> None:
    with pytest.raises(ValueError, match="copy it again"):
        BearerAuth(SecretStr(key))
