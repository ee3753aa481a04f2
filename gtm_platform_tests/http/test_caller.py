"""What every call goes through, whatever library sends it."""

from collections.abc import Callable

import pytest

from gtm_platform.http.caller import Caller, Request, Response
from gtm_platform.http.errors import ApiFailure, InvalidResponse, NotFound, RetriesExhausted, Unavailable
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform_tests.http.clock import Clock

REQUEST = Request("GET", "https://api.toy.example/things?email=ann@toy.example")
SECRET = "canary-5f1e-secret"


def caller(clock: Clock, **more: object) -> Caller:
    retry = RetryPolicy(budget=10, now=clock.now, sleep=clock.sleep, random=lambda: 1.0)
    return Caller("Toy", ("TOY_API_KEY",), retry, **more)  # type: ignore[arg-type]


def limiter(clock: Clock, rate: float = 1000, burst: int = 1000) -> RateLimiter:
    return RateLimiter(rate, burst, clock.now, clock.sleep)


def sending(*answers: Response | ApiFailure) -> Callable[[], Response]:
    """The n-th call gets the n-th answer."""
    left = iter(answers)

    def send() -> Response:
        answer = next(left)
        if isinstance(answer, ApiFailure):
            raise answer
        return answer

    return send


def response(status: int = 200, body: bytes = b"{}", **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, (SECRET,))


def body_of(answer: Response) -> bytes:
    return answer.body


def test_each_try_takes_from_every_limiter_and_is_counted() -> None:
    clock = Clock()
    toy, slow = caller(clock), limiter(clock, rate=1, burst=1)
    send = sending(Unavailable("Toy", "Down."), response(503), response(body=b"[]"))
    assert toy.call(REQUEST, send, (limiter(clock), slow), body_of) == b"[]"
    assert toy.requests == 3
    assert clock.now() == pytest.approx(2, abs=0.01)  # the limiter's two seconds; the backoff of 0.5 and 1 lies in them


def test_a_limit_pauses_everybody_who_shares_it() -> None:
    clock = Clock()
    shared = limiter(clock)
    caller(clock).call(REQUEST, sending(response(429, Retry_After="7"), response()), (shared,), body_of)
    shared.acquire()
    assert clock.now() == pytest.approx(7, abs=0.01)


def test_a_failure_that_the_check_raises_counts_as_one_of_the_call() -> None:
    clock, codes = Clock(), iter(["down", "gone"])

    def check(_: Response) -> str:
        code = next(codes)
        raise (Unavailable if code == "down" else NotFound)("Toy", code)

    with pytest.raises(NotFound, match="gone"):
        caller(clock).call(REQUEST, lambda: response(), (limiter(clock),), check)
    assert clock.slept == [0.5]


def test_a_system_words_its_own_limits() -> None:
    clock = Clock()

    def refine(failure: ApiFailure, answer: Response) -> ApiFailure:
        return RetriesExhausted("Toy", "Tomorrow.") if answer.body == b"daily" else failure

    with pytest.raises(RetriesExhausted, match=r"^Tomorrow\.$"):
        caller(clock, refine=refine).call(REQUEST, sending(response(429, b"daily")), (limiter(clock),), body_of)


def test_what_the_server_says_is_left_is_kept_to() -> None:
    clock = Clock()
    toy = caller(clock, read_limits=lambda answer, _: (int(answer.headers["left"]), 9.0))
    shared = limiter(clock)
    for left in ("1", "0", "0"):
        toy.call(REQUEST, sending(response(left=left)), (shared,), body_of)
    assert clock.now() == pytest.approx(9)


@pytest.mark.faults("S6", "S16")
@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_secret_that_is_repeated_and_what_is_personal_are_not_shown(status: int) -> None:
    clock = Clock()

    def check(answer: Response) -> bytes:
        raise InvalidResponse("", f"It begins: {answer.body.decode()}")

    with pytest.raises(ApiFailure) as caught:
        caller(clock).call(REQUEST, lambda: response(status, SECRET.encode()), (limiter(clock),), check)
    for failure in (caught.value, caught.value.__cause__):
        assert SECRET not in f"{failure} {failure!r} {vars(failure) if failure else ''}"
        assert "ann@" not in f"{failure}"
    assert "https://api.toy.example/things" in str(caught.value)
