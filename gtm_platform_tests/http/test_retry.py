from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from gtm_platform.http.errors import ApiFailure, Forbidden, RateLimited, RetriesExhausted, Unavailable
from gtm_platform.http.retry import RetryPolicy
from gtm_platform_tests.http.clock import Clock


def retry_policy(clock: Clock, jitter: float = 1.0) -> RetryPolicy:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return RetryPolicy(now=clock.now, sleep=clock.sleep, random=lambda: jitter, wall=lambda: noon)


def script(*steps: ApiFailure | str) -> Callable[[], str]:
    """Each call meets the next step; the last one stays for ever."""
    left: Iterator[ApiFailure | str] = iter(steps)

    def call() -> str:
        step = next(left, steps[-1])
        if isinstance(step, ApiFailure):
            raise step
        return step

    return call


def down(retry_after: float | None = None) -> ApiFailure:
    return Unavailable("Toy", "Toy answered 500.", status=500, retry_after=retry_after)


def limited(retry_after: float | None) -> ApiFailure:
    return RateLimited("Toy", "Toy answered 429.", status=429, retry_after=retry_after)


def test_a_single_failure_costs_one_wait() -> None:
    clock = Clock()
    assert retry_policy(clock).call(script(down(), "here")) == "here"
    assert clock.slept == [0.5]


def test_waits_double_up_to_the_cap_and_are_jittered_fully() -> None:
    clock = Clock()
    assert retry_policy(clock, 0.5).call(script(*[down()] * 9, "here")) == "here"
    assert clock.slept == [0.25, 0.5, 1, 2, 4, 8, 15, 15, 15]


def test_a_wait_asked_for_is_kept_and_does_not_count_as_an_attempt() -> None:
    clock = Clock()
    assert retry_policy(clock).call(script(down(), limited(7.0), limited(100.0), down(), "here")) == "here"
    assert clock.slept == [0.5, 7.0, 100.0, 1.0]


def test_waits_asked_for_do_not_spend_the_budget() -> None:
    clock = Clock()
    assert retry_policy(clock).call(script(*[limited(110.0)] * 8, "here")) == "here"
    assert clock.now() == 880.0


def test_but_everything_ends_at_the_deadline() -> None:
    clock = Clock()
    with pytest.raises(RetriesExhausted, match="asked 9 times in 880 seconds"):
        retry_policy(clock).call(script(limited(110.0)))
    assert clock.now() <= 900


def test_a_wait_of_nothing_is_no_hot_loop() -> None:
    clock = Clock()
    with pytest.raises(RetriesExhausted):
        retry_policy(clock).call(script(limited(0.0)))
    assert set(clock.slept) == {0.5}


def test_the_budget_ends_with_a_sentence_and_the_last_failure() -> None:
    clock, last = Clock(), down()
    with pytest.raises(
        RetriesExhausted, match=r"Toy was asked \d+ times in \d+ seconds .* Toy answered 500\."
    ) as caught:
        retry_policy(clock).call(script(last))
    assert caught.value.__cause__ is last
    assert caught.value.status == 500
    assert 200 < clock.now() <= 300


def test_the_time_of_calls_that_fail_counts_too() -> None:
    clock = Clock()

    def hang() -> None:
        clock.time += 60
        raise down()

    with pytest.raises(RetriesExhausted, match="asked 5 times"):
        retry_policy(clock).call(hang)


def test_a_huge_wait_ends_at_once_and_says_when_to_come_back() -> None:
    clock = Clock()
    with pytest.raises(RetriesExhausted, match="Run again after 2026-11-22 12:00 UTC") as caught:
        retry_policy(clock).call(script(limited(86400.0)))
    assert clock.slept == []
    assert caught.value.retry_after == 86400.0


def test_a_permanent_failure_passes_untouched() -> None:
    clock, no = Clock(), Forbidden("Toy", "No.")
    with pytest.raises(Forbidden) as caught:
        retry_policy(clock).call(script(no))
    assert caught.value is no
    assert clock.slept == []
