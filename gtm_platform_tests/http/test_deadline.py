import httpcore
import pytest

from gtm_platform.http.deadline import _Stream, must_end_within, seconds_left
from gtm_platform_tests.http.clock import Clock


class Patient(httpcore.NetworkStream):
    """Takes all the time that a read may take."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.clock.sleep(timeout or 0.0)
        return b"x" * max_bytes


def test_a_read_may_take_what_its_own_limit_and_the_request_leave() -> None:
    clock = Clock()
    stream = _Stream(Patient(clock))
    with must_end_within(50, clock.now):
        stream.read(1, timeout=30)
        assert seconds_left() == 20
        stream.read(1, timeout=30)
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(1, timeout=30)
    assert clock.slept == [30, 20]


def test_the_watch_ends_with_the_request() -> None:
    clock = Clock()
    with must_end_within(5, clock.now):
        clock.time = 6
        assert seconds_left() == -1
    assert seconds_left() == float("inf")
