"""How many calls a system may get: a token bucket that all threads share, and that the server can tighten.

The figures that a client declares are those of the system's documentation. How much of them is used is decided by who
opens the client, by a `LimitShare`: what is left belongs to the other apps of the same account.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from gtm_platform.http.waiting import announce_wait
from gtm_platform.settings import settings


@dataclass
class RateLimiter:
    """At most `burst` calls at once, and `rate` calls a second over time.

    With a `window`, no more than a burst in any so many seconds, for systems that count their calls in windows.
    """

    rate: float
    burst: int
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    window: float = 0.0
    _tokens: float = field(init=False, repr=False)
    _taken: deque[float] = field(init=False, repr=False)
    _counted: float = field(init=False, repr=False)
    _paused_until: float = field(init=False, repr=False, default=float("-inf"))
    _allowed: int | None = field(init=False, repr=False, default=None)
    _window_ends: float = field(init=False, repr=False, default=float("-inf"))
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)
    _documented: tuple[float, int, float] = field(init=False, repr=False)
    _share: float = field(init=False, repr=False, default=1.0)

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.burst < 1:
            raise ValueError(
                f"A rate limit of {self.rate} calls a second in bursts of {self.burst} would never let a call pass."
            )
        self._documented = self.rate, self.burst, self.window
        self._tokens, self._counted = float(self.burst), self.now()
        self._taken = deque(maxlen=self.burst)

    @classmethod
    def within(
        cls,
        calls: int,
        seconds: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> "RateLimiter":
        """Return one that lets at most so many calls pass in any so many seconds."""
        return cls(calls / seconds, calls, now, sleep, window=seconds)

    def use_share(self, share: float) -> None:
        """Let no more than a share of the documented calls pass: a whole number, at least one.

        Where less than one call would fit into a window, the window is made longer instead.
        """
        with self._lock:
            if share == self._share:
                return
            self._refill()
            rate, burst, window = self._documented
            allowed = burst * share + 1e-9  # 0.7 * 10 is a hair more than 7, and 0.29 * 100 a hair less than 29
            self._share, self.burst = share, max(1, math.floor(allowed))
            self.window = window if allowed >= 1 else window / allowed
            self.rate = self.burst / self.window if window else rate * share
            self._tokens = min(self._tokens, float(self.burst))
            self._taken = deque(self._taken, maxlen=self.burst)

    def describe(self) -> str:
        """Say how many calls may pass, as people say it."""
        if not self.window:
            return f"{_figure(self.rate)} calls a second"
        if self.burst == 1 and self.window > 1.1:
            return f"a call every {self.window:.2g} seconds"
        if self.window < 2:
            return f"{_figure(self.burst / max(1.0, math.floor(self.window)))} calls a second"
        return f"{self.burst:,} calls in {_figure(float(math.floor(self.window)))} seconds"

    def acquire(self) -> None:
        """Return when one more call may leave."""
        while wait := self._claim():
            announce_wait(wait, "The rate limit is used up.")
            self.sleep(wait)

    @property
    def available(self) -> int:
        """How many calls may leave at once."""
        with self._lock:
            now = self._refill()
            in_window = sum(taken > now - self.window for taken in self._taken)
            return min(int(self._tokens), self.burst - in_window)

    def pause(self, seconds: float) -> None:
        """Let no call leave for so long; afterwards begin with one, not with a burst."""
        with self._lock:
            self._refill()
            self._tokens = min(self._tokens, 1.0)
            self._paused_until = max(self._paused_until, self.now() + seconds)

    def update_from_server(self, remaining: int, window_left: float) -> None:
        """Let no more than `remaining` calls pass in the next `window_left` seconds, as the server says."""
        with self._lock:
            now = self.now()
            # Answers overtake each other: within a window only a tighter figure is news.
            if self._allowed is None or now >= self._window_ends or remaining < self._allowed:
                self._allowed, self._window_ends = max(remaining, 0), now + window_left

    def _claim(self) -> float:
        """Take a token (0.0), or return how long to wait before the next try."""
        with self._lock:
            now = self._refill()
            if now < self._paused_until:
                return self._paused_until - now
            if self._allowed is not None and now >= self._window_ends:
                self._allowed = None
            if self._allowed == 0:
                return self._window_ends - now
            if self._tokens < 1.0:
                # A hair more than needed, so that rounding cannot ask for a wait of nothing.
                return (1.0 - self._tokens) / self.rate + 1e-6
            if len(self._taken) == self.burst and (wait := self._taken[0] + self.window - now) > 0:
                return wait
            self._tokens -= 1.0
            self._taken.append(now)
            self._allowed = None if self._allowed is None else self._allowed - 1
            return 0.0

    def _refill(self) -> float:
        now = self.now()
        resting = max(self._counted, min(now, self._paused_until))
        self._tokens = min(float(self.burst), self._tokens + max(0.0, now - resting) * self.rate)
        self._counted = now
        return now


@dataclass
class LimitShare:
    """How much of each documented limit of a system may be used, and the limiters that were reduced."""

    share: float = 1.0
    limiters: list[RateLimiter] = field(init=False, repr=False, default_factory=list)
    calls: int = field(init=False, repr=False, default=0)  # that left, those that were repeated counted each time
    _counting: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"A share of {self.share} of a limit lets no call pass, or more than the limit does.")

    def reduce(self, limiters: Sequence[RateLimiter]) -> None:
        """Reduce the limiters of a call, which may be shared by clients, or made with the call."""
        for limiter in limiters:
            limiter.use_share(self.share * settings().gtm_sandbox_speed)
            if not any(limiter is each for each in self.limiters):
                self.limiters.append(limiter)

    def count_call(self) -> None:
        """Count a call that leaves."""
        with self._counting:
            self.calls += 1

    def describe(self) -> str:
        """Say what is used of the limits that were met so far, the most generous first; "" where there was no call."""
        limiters = sorted(self.limiters, key=lambda limiter: -limiter.rate)
        amounts = dict.fromkeys(limiter.describe() for limiter in limiters)
        return f"at most {self.share * 100:.3g} % of the documented limit: {', '.join(amounts)}" if amounts else ""


_share: ContextVar[LimitShare | None] = ContextVar("limit_share", default=None)


@contextmanager
def limited_to(share: LimitShare) -> Iterator[None]:
    """Let the clients that are made in this context use no more than this share of their limits."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


def current_share() -> LimitShare:
    """Return the share that a client which is made now may use: all, where nobody says less."""
    return _share.get() or LimitShare()


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.2g}"
