"""How many requests a token may make: a bucket that fills steadily, for each token and process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

BUCKETS_KEPT = 10_000


@dataclass
class Bucket:
    """What is left of the requests of a token, and when that was counted."""

    left: float
    at: float


class RequestLimit:
    """At most `per_second` requests in the long run, and twice as many at once."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = per_second, 2 * per_second, clock
        self._buckets: dict[str, Bucket] = {}

    def seconds_to_wait(self, token_id: str) -> float:
        """Take a request from the token's bucket; return 0, or after how many seconds there is one again."""
        now = self._clock()
        bucket = self._buckets.get(token_id)
        if bucket is None:
            if len(self._buckets) >= BUCKETS_KEPT:
                self._buckets.clear()
            bucket = self._buckets[token_id] = Bucket(self._burst, now)
        bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0
