"""Time that passes only while somebody waits, for every client of the platform and for the sandbox beside it."""

import threading
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest

from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.discovery import SOURCES_PACKAGE, discover_sources
from gtm_platform.sandbox import intercom
from gtm_platform.sandbox.intercom.access import Limits
from gtm_platform.sandbox.kit.limits import Limit

SLACK = "gtm_platform.delivery.alerts.slack_client"


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


def clients() -> list[ModuleType]:
    """The modules of all discovered sources, in any of which a client may be made, those they share, and Slack's."""
    packages = [import_module(f"{SOURCES_PACKAGE}.{source.name}") for source in discover_sources()]
    packages.append(import_module(SOURCES_PACKAGE))
    names = [
        f"{package.__name__}.{each.name}"
        for package in packages
        for each in iter_modules(package.__path__)
        if not each.ispkg
    ]
    return [import_module(name) for name in (*names, SLACK)]


def small_pages(patch: pytest.MonkeyPatch, size: int) -> None:
    """Let every source ask for small pages, so that there are enough calls for what is rare."""
    for client in clients():
        for name, value in vars(client).items():
            if "PAGE" in name and isinstance(value, int) and value > size:
                patch.setattr(client, name, size)


def nobody_waits(patch: pytest.MonkeyPatch) -> Clock:
    """To be called before the sandbox is opened."""
    clock = Clock()
    retries = partial(RetryPolicy, now=clock.own, sleep=clock.sleep)
    for client in clients():
        for name, calm in (("RetryPolicy", retries), ("RateLimiter", paced_by(clock))):
            if hasattr(client, name):
                patch.setattr(client, name, calm)
    # The sandbox's own limits are counted in real time, in which all calls come at once.
    patch.setattr(Limit, "take", lambda _: True)
    patch.setattr(intercom, "app", partial(intercom.app, limits=Limits(now=clock.now)))
    return clock


def paced_by(clock: Clock) -> type[RateLimiter]:
    """Return a limiter that waits by a clock."""

    class OnThisClock(RateLimiter):
        def __init__(self, rate: float, burst: int, window: float = 0.0) -> None:
            super().__init__(rate, burst, clock.now, clock.sleep, window)

        @classmethod
        def within(cls, calls: int, seconds: float) -> RateLimiter:  # type: ignore[override]
            return cls(calls / seconds, calls, seconds)

    return OnThisClock
