"""How often a failing call is retried: which waits are honoured, and when a run gives up with a sentence."""

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
LONGEST_NAMED_WAIT = timedelta(days=3650)


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class RetryPolicy:
    """Backoff with full jitter while failures are transient; stateless, so one may serve all threads.

    A wait that the server asked for is honoured and costs nothing of `budget`; everything together ends at `deadline`.
    """

    budget: float = 300.0
    deadline: float = 900.0
    max_retry_after: float = 120.0
    initial_delay: float = 0.5
    max_delay: float = 30.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    wall: Callable[[], datetime] = _wall

    def call(self, fn: Callable[[], T]) -> T:
        """Return what `fn` returns, called again after each transient failure until the budget or the deadline ends."""
        started, spent, attempts, calls = self.now(), 0.0, 0, 0
        while True:
            called, calls = self.now(), calls + 1
            try:
                return fn()
            except Transient as failure:
                if failure.retry_after is None:
                    wait = self.random() * min(self.max_delay, self.initial_delay * 2.0 ** min(attempts, 60))
                    attempts, spent = attempts + 1, spent + self.now() - called + wait
                elif failure.retry_after > self.max_retry_after:
                    raise self._come_back(failure, failure.retry_after) from failure
                else:
                    # "Retry-After: 0" for ever must not become a hot loop.
                    wait = max(failure.retry_after, self.initial_delay)
                tried = self.now() - started
                if spent > self.budget or tried + wait > self.deadline:
                    raise self._gave_up(failure, tried, calls) from failure
                announce_wait(wait, failure.message)
            self.sleep(wait)

    def _come_back(self, failure: Transient, wait: float) -> RetriesExhausted:
        moment = f"{self.wall() + min(timedelta(seconds=wait), LONGEST_NAMED_WAIT):%Y-%m-%d %H:%M} UTC"
        return self._exhausted(
            failure,
            f"asks to wait {wait:.0f} seconds, longer than the {self.max_retry_after:.0f} that a run waits. "
            f"Run again after {moment}.",
        )

    def _gave_up(self, failure: Transient, tried: float, calls: int) -> RetriesExhausted:
        times = "once" if calls == 1 else f"{calls} times"
        return self._exhausted(failure, f"was asked {times} in {tried:.0f} seconds without success. Run again later.")

    @staticmethod
    def _exhausted(failure: Transient, message: str) -> RetriesExhausted:
        sentence = f"{failure.system or 'The source'} {message} The last failure: {failure.message}"
        return RetriesExhausted(
            failure.system,
            sentence,
            status=failure.status,
            method=failure.method,
            url=failure.url,
            retry_after=failure.retry_after,
        )
