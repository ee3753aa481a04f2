"""What a run's log says of a stream: how far it is and what it waits for, at most a line every ten seconds."""

from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from gtm_platform.http.errors import Unavailable
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.http.waiting import on_wait
from gtm_platform.ingest.concurrency import map_concurrently, prefetch
from gtm_platform.ingest.progress import StreamProgress


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def progress(seconds: Seconds) -> StreamProgress:
    return StreamProgress("birds", SimpleQueue(), seconds)


def lines(progress: StreamProgress) -> Iterator[str | None]:
    while not progress.lines.empty():
        yield progress.lines.get()


def test_a_quick_stream_says_nothing(progress: StreamProgress) -> None:
    for _ in range(1_000):
        progress.page(100)
    assert list(lines(progress)) == []


def test_a_long_one_says_every_ten_seconds_how_far_it_is(progress: StreamProgress, seconds: Seconds) -> None:
    for _ in range(25):
        progress.page(100)
        seconds.now += 1
    assert list(lines(progress)) == [
        "birds: 11 pages, 1,100 rows so far; reads on",
        "birds: 21 pages, 2,100 rows so far; reads on",
    ]


def test_a_wait_is_said_at_once_and_not_again_soon(progress: StreamProgress, seconds: Seconds) -> None:
    progress.page(100)
    for _ in range(3):
        progress.wait(4, "The wood is misty.")
        seconds.now += 4
    progress.wait(4, "The wood is foggy.")
    assert list(lines(progress)) == [
        "birds: 1 pages, 100 rows so far; waits 4 s. The wood is misty.",
        "birds: 1 pages, 100 rows so far; waits 4 s. The wood is foggy.",
    ]


def failing_once(wait: float) -> Any:
    answers = iter([Unavailable("Wood", "The wood is silent.", retry_after=wait)])

    def ask(_: Any = None) -> str:
        for failure in answers:
            raise failure
        return "heard"

    return ask


@pytest.mark.parametrize(("wait", "heard"), [(30.0, [(30.0, "The wood is silent.")]), (0.9, [])])
def test_whoever_listens_hears_of_long_waits(wait: float, heard: list[tuple[float, str]]) -> None:
    waits: list[tuple[float, str]] = []
    with on_wait(lambda seconds, reason: waits.append((seconds, reason))):
        assert RetryPolicy(sleep=lambda _: None).call(failing_once(wait)) == "heard"
    assert waits == heard
    RetryPolicy(sleep=lambda _: None).call(failing_once(wait))
    assert waits == heard


def test_threads_that_help_are_heard_too() -> None:
    waits: list[float] = []
    policy = RetryPolicy(sleep=lambda _: None)

    def things() -> Iterator[str]:
        yield policy.call(failing_once(20))

    with on_wait(lambda seconds, _: waits.append(seconds)):
        assert list(prefetch(things())) == ["heard"]
        assert list(map_concurrently(lambda _: policy.call(failing_once(40)), [1], 2)) == ["heard"]
    assert waits == [20, 40]
