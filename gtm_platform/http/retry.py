"""How long a failing system is asked again: which waits are honoured, and when a run gives up with a sentence."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from gtm_platform.http.errors import RetriesExhausted, Transient
from gtm_platform.http.waiting import announce_wait

T = TypeVar("T")
# Some ask to wait for longer than there are dates.
LONGEST_TOLD = timedelta(days=3650)


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class RetryPolicy:
    """Back-off with full jitter while failures are transient. A wait that the server asked for is honoured and costs
    nothing of `budget`; everything together ends at `deadline`. Holds no state: one may serve all threads."""

    budget: float = 300.0
    deadline: float = 900.0
    max_retry_after: float = 120.0
    first: float = 0.5
    cap: float = 30.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    wall: Callable[[], datetime] = _wall

    def call(self, fn: Callable[[], T]) -> T:
        started, spent, attempts, calls = self.now(), 0.0, 0, 0
        while True:
            asked, calls = self.now(), calls + 1
            try:
                return fn()
            except Transient as failure:
                if failure.retry_after is None:
                    wait = self.random() * min(self.cap, self.first * 2.0 ** min(attempts, 60))
                    attempts, spent = attempts + 1, spent + self.now() - asked + wait
                elif failure.retry_after > self.max_retry_after:
                    raise self._come_back(failure, failure.retry_after) from failure
                else:
                    # "Retry-After: 0" for ever must not become a hot loop.
                    wait = max(failure.retry_after, self.first)
                tried = self.now() - started
                if spent > self.budget or tried + wait > self.deadline:
                    raise self._gave_up(failure, tried, calls) from failure
                announce_wait(wait, failure.message)
            self.sleep(wait)

    def _come_back(self, failure: Transient, wait: float) -> RetriesExhausted:
        moment = f"{self.wall() + min(timedelta(seconds=wait), LONGEST_TOLD):%Y-%m-%d %H:%M} UTC"
        return self._out_of_time(
            failure,
            f"asks to wait {wait:.0f} seconds, longer than the {self.max_retry_after:.0f} that a run waits. "
            f"Run again after {moment}.",
        )

    def _gave_up(self, failure: Transient, tried: float, calls: int) -> RetriesExhausted:
        times = "once" if calls == 1 else f"{calls} times"
        return self._out_of_time(failure, f"was asked {times} in {tried:.0f} seconds without success. Run again later.")

    @staticmethod
    def _out_of_time(failure: Transient, what: str) -> RetriesExhausted:
        sentence = f"{failure.system or 'The source'} {what} The last failure: {failure.message}"
        return RetriesExhausted(
            failure.system,
            sentence,
            status=failure.status,
            method=failure.method,
            url=failure.url,
            retry_after=failure.retry_after,
        )
