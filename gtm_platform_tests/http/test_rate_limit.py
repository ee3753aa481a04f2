import contextlib
import sys
import threading
from collections.abc import Iterator

import pytest

from gtm_platform.http.rate_limit import LimitShare, RateLimiter, current_share, limited_to
from gtm_platform_tests.http.clock import Clock


def limiter_of(rate: float, burst: int) -> tuple[RateLimiter, Clock]:
    clock = Clock()
    return RateLimiter(rate, burst, clock.now, clock.sleep), clock


def times(limiter: RateLimiter, clock: Clock, calls: int) -> list[float]:
    taken = []
    for _ in range(calls):
        limiter.acquire()
        taken.append(round(clock.now(), 3))
    return taken


def test_a_burst_passes_at_once_then_the_rate_holds() -> None:
    limiter, clock = limiter_of(2.0, 3)
    assert times(limiter, clock, 6) == [0.0, 0.0, 0.0, 0.5, 1.0, 1.5]


def test_a_rest_refills_no_more_than_a_burst() -> None:
    limiter, clock = limiter_of(2.0, 3)
    times(limiter, clock, 3)
    clock.time += 1000
    assert times(limiter, clock, 4) == [1000.0, 1000.0, 1000.0, 1000.5]


def test_a_pause_stops_everybody_and_ends_without_a_burst() -> None:
    limiter, clock = limiter_of(2.0, 3)
    limiter.pause(10)
    limiter.pause(4)
    assert times(limiter, clock, 3) == [10.0, 10.5, 11.0]


def test_what_the_server_says_is_left_is_never_exceeded() -> None:
    limiter, clock = limiter_of(100.0, 100)
    limiter.update_from_server(2, 8.0)
    assert times(limiter, clock, 4) == [0.0, 0.0, 8.0, 8.0]


def test_an_answer_that_was_overtaken_does_not_loosen_the_limit() -> None:
    limiter, clock = limiter_of(100.0, 100)
    limiter.update_from_server(1, 8.0)
    limiter.update_from_server(5, 8.0)
    assert times(limiter, clock, 2) == [0.0, 8.0]


def test_a_rolling_window_does_not_starve() -> None:
    limiter, clock = limiter_of(1.0, 10)
    for _ in range(200):
        limiter.acquire()
        limiter.update_from_server(50, 10.0)
    assert clock.now() < 250


def test_a_new_window_lifts_the_old_limit() -> None:
    limiter, clock = limiter_of(100.0, 100)
    limiter.update_from_server(0, 5.0)
    clock.time = 5.0
    limiter.update_from_server(3, 5.0)
    assert times(limiter, clock, 4) == [5.0, 5.0, 5.0, 10.0]


def test_a_window_lets_no_more_calls_pass_than_it_holds() -> None:
    clock = Clock()
    limiter = RateLimiter.within(3, 2.0, clock.now, clock.sleep)
    assert times(limiter, clock, 2) == [0.0, 0.0]
    assert limiter.available == 1
    clock.time = 1.5
    assert times(limiter, clock, 4) == [1.5, 2.0, 2.0, 3.5]
    assert limiter.available == 0


def test_after_a_pause_a_window_fills_slowly() -> None:
    clock = Clock()
    limiter = RateLimiter.within(4, 2.0, clock.now, clock.sleep)
    limiter.pause(10)
    assert times(limiter, clock, 5) == [10.0, 10.5, 11.0, 11.5, 12.0]


class EnoughError(Exception):
    pass


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads change places as often as they can, so that a missing lock shows."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless_threads")
def test_threads_together_never_exceed_the_limit() -> None:
    """The clock stands still, so exactly one burst may pass, however many ask."""
    taken: list[int] = []

    def no_more(_: float) -> None:
        raise EnoughError

    def work(number: int) -> None:
        with contextlib.suppress(EnoughError):
            while True:
                limiter.acquire()
                taken.append(number)

    limiter = RateLimiter(5.0, 2000, lambda: 0.0, no_more)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 2000


def test_claims_in_any_window_stay_under_burst_plus_rate() -> None:
    limiter, clock = limiter_of(5.0, 4)
    taken = times(limiter, clock, 200)
    for width in (0.1, 1.0, 7.0):
        assert all(sum(begin <= moment < begin + width for moment in taken) <= 4 + 5.0 * width + 1 for begin in taken)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_pace_that_lets_nothing_pass_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="never let a call pass"):
        RateLimiter(rate, burst)


@pytest.mark.parametrize(("share", "calls"), [(1.0, 10), (0.8, 8), (0.7, 7), (0.29, 2), (0.1, 1)])
def test_a_share_of_a_window_is_a_whole_number_of_calls(share: float, calls: int) -> None:
    clock = Clock()
    limiter = RateLimiter.within(10, 2.0, clock.now, clock.sleep)
    limiter.use_share(share)
    taken = times(limiter, clock, 3 * calls)
    assert taken[calls - 1] == 0.0
    for first, next_window in zip(taken, taken[calls:], strict=False):
        assert next_window - first >= 2.0


def test_where_less_than_a_call_is_left_of_a_window_it_comes_in_a_longer_one() -> None:
    clock = Clock()
    limiter = RateLimiter.within(1, 2.0, clock.now, clock.sleep)
    limiter.use_share(0.8)
    assert times(limiter, clock, 3) == [0.0, 2.5, 5.0]


def test_a_share_of_a_rate_is_slower_and_has_a_smaller_burst() -> None:
    limiter, clock = limiter_of(2.0, 5)
    limiter.use_share(0.5)
    assert times(limiter, clock, 4) == [0.0, 0.0, 1.0, 2.0]


def test_a_share_that_is_used_while_calls_are_made_counts_those_before_it() -> None:
    clock = Clock()
    limiter = RateLimiter.within(10, 10.0, clock.now, clock.sleep)
    times(limiter, clock, 6)
    limiter.use_share(0.8)
    assert limiter.available == 2
    assert times(limiter, clock, 3) == [0.0, 0.0, 10.0]


def test_the_share_of_a_context_holds_for_what_is_made_in_it_and_says_what_it_comes_to() -> None:
    share = LimitShare(0.8)
    with limited_to(share):
        assert current_share() is share
    assert current_share().share == 1.0
    assert share.describe() == ""
    share.reduce([RateLimiter.within(5, 1.05), RateLimiter.within(190, 10.2), RateLimiter.within(1, 1.0)])
    share.reduce([RateLimiter.within(25, 1.05), RateLimiter.within(25, 1.05)])
    assert share.describe() == (
        "at most 80 % of the documented limit: "
        "20 calls a second, 152 calls in 10 seconds, 4 calls a second, a call every 1.2 seconds"
    )


@pytest.mark.parametrize("share", [0.0, 1.01, -1.0])
def test_a_share_is_a_part_of_the_limit(share: float) -> None:
    with pytest.raises(ValueError, match="of a limit"):
        LimitShare(share)
