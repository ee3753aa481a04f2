"""The n-th call of a sweep fails, for every n: once, or for good from there on."""

from collections.abc import Callable
from threading import Event

import pytest

from gtm_platform.http.errors import RetriesExhausted
from gtm_platform_tests.faults.fake_api import CALLS, KEY, Fault, Script
from gtm_platform_tests.faults.nth_call import Nth, until_none_fails
from gtm_platform_tests.faults.reading import SourceReading
from gtm_platform_tests.http.server import cut, drip, reset, whole

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: "


def limited(_: SourceReading) -> Fault:
    return lambda _: whole(b"", "429 Too Many Requests", "Retry-After: 20\r\n")


def down(_: SourceReading) -> Fault:
    return lambda _: whole(f"Your key {KEY}".encode(), "500 Internal Server Error")


def gone(_: SourceReading) -> Fault:
    return lambda _: reset(b"")


def broken_off(_: SourceReading) -> Fault:
    return lambda page: cut(HEAD + b"%d\r\n\r\n" % len(page) + page[: len(page) // 2])


def another_page(_: SourceReading) -> Fault:
    return lambda _: whole(f"<html>Log in with {KEY}".encode(), headers="Content-Type: text/html\r\n")


def dripping(reading: SourceReading) -> Fault:
    def a_while() -> None:
        reading.clock.time += 11

    return lambda _: drip(HEAD + b"9999\r\n\r\n", b" ", Event(), a_while)


def script(nth: Nth, fault: Fault) -> Script:
    return lambda _: fault if nth.strikes() else None


EACH = pytest.mark.parametrize("fault", [limited, down, gone, broken_off, another_page, dripping])


@pytest.mark.faults("S1", "S5", "S6", "S9", "S10", "S11")
@EACH
def test_a_call_that_fails_once_is_made_again(reading: SourceReading, fault: Callable[[SourceReading], Fault]) -> None:
    for n, nth in enumerate(until_none_fails(persistent=False), 1):
        moments = reading.gets_through(script(nth, fault(reading)))
        assert len(moments) == (CALLS + 1 if n <= CALLS else CALLS)
    assert n == CALLS + 1


@pytest.mark.faults("S1", "S5", "S6", "S9", "S10", "S11")
@EACH
def test_calls_that_fail_for_good_end_the_run_and_the_next_one_heals_it(
    reading: SourceReading, fault: Callable[[SourceReading], Fault]
) -> None:
    for n, nth in enumerate(until_none_fails(persistent=True), 1):
        wrong = script(nth, fault(reading))
        if n <= CALLS:
            reading.fails(
                RetriesExhausted, wrong, "Run again later", "The last failure: Shop", budget=60.0, deadline=200.0
            )
        else:
            reading.gets_through(wrong)
    assert n == CALLS + 1
