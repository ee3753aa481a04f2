"""Who may call, how often, and in which version of the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gtm_platform.sandbox.intercom.errors import IntercomError, IntercomErrors
from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.limits import WINDOWS, Limit, RateHeaders, window_time

TOKEN = "intercom-sandbox-token"
API_VERSION = "2.14"

_RATE = RateHeaders("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@dataclass(frozen=True)
class Limits:
    """Calls per slice of real time, by default 10,000 a minute, and how long a scroll may lie idle."""

    calls: int = 1666
    seconds: float = 10.0
    scroll_idle: float = 60.0
    now: Callable[[], float] = window_time

    @property
    def scroll_idle_windows(self) -> float:
        """How long a scroll may lie idle in the time of windows: where they pass faster, a client reads no faster."""
        return self.scroll_idle * WINDOWS.times


DOCUMENTED = Limits()


def api(limits: Limits) -> Api:
    """What surrounds every answer: the token, the one limit, and the headers that report it."""
    limit = Limit(limits.calls, limits.seconds, limits.now)
    return Api(
        Authentication(TOKEN, (bearer_token,)),
        IntercomErrors(),
        limits=lambda _: {"calls": limit},
        headers=lambda _request, _status: {**_RATE.of(limit), "Intercom-Version": API_VERSION},
    )


def check_version(headers: Mapping[str, str]) -> None:
    """Refuse a version that the emulator does not speak, rather than answer it in the wrong shapes."""
    if headers.get("intercom-version", API_VERSION) != API_VERSION:
        raise IntercomError(400, "The requested version could not be found", code="intercom_version_invalid")
