"""Time that passes only while somebody waits, for every client of the platform and for the sandbox beside it."""

import threading
from functools import partial

import pytest

from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sandbox import intercom
from gtm_platform.sandbox.intercom.access import Limits
from gtm_platform.sandbox.kit.limits import Limit

CLIENTS = (
    "sources.hubspot.client",
    "sources.intercom.client",
    "sources.stripe.client",
    "delivery.alerts.slack_client",
)


class Clock:
    """One for all; and to each thread its own, so that nobody is late because others waited."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._own = threading.local()

    def now(self) -> float:
        return self.seconds

    def own(self) -> float:
        return float(getattr(self._own, "seconds", 0.0))

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self._own.seconds = self.own() + seconds


def nobody_waits(patch: pytest.MonkeyPatch) -> Clock:
    """To be called before the sandbox is opened."""
    clock = Clock()
    retries = partial(RetryPolicy, now=clock.own, sleep=clock.sleep)
    for client in CLIENTS:
        patch.setattr(f"gtm_platform.{client}.RetryPolicy", retries)
        patch.setattr(f"gtm_platform.{client}.RateLimiter", _paced_by(clock))
    # The sandbox's own limits are counted in real time, in which all calls come at once.
    patch.setattr(Limit, "take", lambda _: True)
    patch.setattr(intercom, "app", partial(intercom.app, limits=Limits(now=clock.now)))
    return clock


def _paced_by(clock: Clock) -> type[RateLimiter]:
    class OnThisClock(RateLimiter):
        def __init__(self, rate: float, burst: int, window: float = 0.0) -> None:
            super().__init__(rate, burst, clock.now, clock.sleep, window)

        @classmethod
        def within(cls, calls: int, seconds: float) -> RateLimiter:  # type: ignore[override]
            return cls(calls / seconds, calls, seconds)

    return OnThisClock
