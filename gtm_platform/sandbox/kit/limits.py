"""A limit on calls within a sliding window of real time, as the systems enforce theirs."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Limit:
    calls: int
    seconds: float
    now: Callable[[], float] = time.monotonic
    _taken: deque[float] = field(default_factory=deque)

    def take(self) -> bool:
        """Counts the call and says whether it is within the limit; a refused call is not counted."""
        now = self.now()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.calls:
            return False
        self._taken.append(now)
        return True

    @property
    def remaining(self) -> int:
        return max(0, self.calls - len(self._taken))

    @property
    def free_in(self) -> float:
        """Seconds until the next call would be let through."""
        full = len(self._taken) >= self.calls
        return max(0.0, self._taken[0] + self.seconds - self.now()) if full else 0.0
