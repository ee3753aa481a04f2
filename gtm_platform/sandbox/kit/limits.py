"""Limits on calls within a sliding window, as the systems enforce theirs, and the headers that report them.

A window passes in real time, or so many times as fast where days are simulated in seconds.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class WindowSpeed:
    """How many times as fast as real time the windows of limits pass in this process."""

    times: float = 1.0


WINDOWS = WindowSpeed()


def speed_variables() -> dict[str, str]:
    """Return the variable by which a platform paces itself as fast; none in real time."""
    return {"GTM_SANDBOX_SPEED": str(WINDOWS.times)} if WINDOWS.times != 1 else {}


def window_time() -> float:
    """The time by which windows of limits pass."""
    return time.monotonic() * WINDOWS.times


class Rate(NamedTuple):
    """So many calls within so many seconds."""

    calls: int
    seconds: float


@dataclass
class Limit:
    """How many calls of a rate are left."""

    calls: int
    seconds: float
    now: Callable[[], float] = window_time
    _taken: deque[float] = field(default_factory=deque)

    def take(self) -> bool:
        """Count the call and tell whether it is within the limit; a refused call is not counted."""
        now = self.now()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.calls:
            return False
        self._taken.append(now)
        return True

    @property
    def remaining(self) -> int:
        """How many calls would be let through now."""
        return max(0, self.calls - len(self._taken))

    @property
    def real_seconds(self) -> float:
        """How long a window lasts in real time."""
        return self.seconds / WINDOWS.times

    @property
    def free_in(self) -> float:
        """Real seconds until the next call would be let through."""
        full = bool(self._taken) and len(self._taken) >= self.calls
        return max(0.0, self._taken[0] + self.seconds - self.now()) / WINDOWS.times if full else 0.0


class KeyedLimits:
    """A limit of its own for each key, such as an endpoint, a channel or a user."""

    def __init__(self, rate: Rate, now: Callable[[], float] = window_time) -> None:
        self._rate = rate
        self._now = now
        self._limits: dict[object, Limit] = {}

    def of(self, key: object) -> Limit:
        """The limit of one key."""
        return self._limits.setdefault(key, Limit(*self._rate, self._now))


@dataclass(frozen=True)
class RateHeaders:
    """The names of the headers that report a limit; a system leaves out those that it does not send."""

    limit: str | None = None
    remaining: str | None = None
    reset: str | None = None  # Unix seconds
    retry_after: str | None = None  # whole seconds, only when no call is left
    reset_in: str | None = None  # whole seconds until the reset

    def of(self, limit: Limit) -> dict[str, str]:
        """The headers of an answer. Clients sleep in real time, so the reset is in real time too."""
        headers = {
            self.limit: str(limit.calls),
            self.remaining: str(limit.remaining),
            self.reset: str(math.ceil(time.time() + (limit.free_in or limit.real_seconds))),
            self.reset_in: str(math.ceil(limit.free_in or limit.real_seconds)),
        }
        if not limit.remaining:
            headers[self.retry_after] = str(wait_seconds(limit))
        return {name: value for name, value in headers.items() if name}


def wait_seconds(limit: Limit) -> int:
    """Whole seconds to wait after a refused call, at least one."""
    return max(1, math.ceil(limit.free_in))
