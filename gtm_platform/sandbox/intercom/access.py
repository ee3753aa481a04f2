"""Who may call, how often, and in which version of the API."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gtm_platform.sandbox.intercom.errors import IntercomError
from gtm_platform.sandbox.kit.limits import Limit

TOKEN = "intercom-sandbox-token"
API_VERSION = "2.14"


@dataclass(frozen=True)
class Limits:
    """Real time: calls in a slice of time, by default 10,000 a minute; and how long a scroll may lie idle."""

    calls: int = 1666
    seconds: float = 10.0
    scroll_idle: float = 60.0
    now: Callable[[], float] = time.monotonic


DOCUMENTED = Limits()


class Access:
    def __init__(self, limits: Limits) -> None:
        self._limit = Limit(limits.calls, limits.seconds, limits.now)

    def admit(self, headers: Mapping[str, str]) -> None:
        if headers.get("authorization") != f"Bearer {TOKEN}":
            raise IntercomError(401, "unauthorized", "Access Token Invalid")
        if not self._limit.take():
            slice_of = f"{self._limit.calls} in {self._limit.seconds:.0f}_seconds"
            raise IntercomError(429, "rate_limit_exceeded", f"Exceeded rate limit of {slice_of}")
        if headers.get("intercom-version", API_VERSION) != API_VERSION:
            raise IntercomError(400, "intercom_version_invalid", "The requested version could not be found")

    def headers(self) -> dict[str, str]:
        """Clients sleep in real time, so the reset is told in real time too."""
        wait = self._limit.free_in or self._limit.seconds
        return {
            "X-RateLimit-Limit": str(self._limit.calls),
            "X-RateLimit-Remaining": str(self._limit.remaining),
            "X-RateLimit-Reset": str(math.ceil(time.time() + wait)),
            "Intercom-Version": API_VERSION,
        }
