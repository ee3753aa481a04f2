"""Who may call, and how often: the token, and one limit per method or, for messages, per channel."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.slack.errors import SlackError

TOKEN = "xoxb-sandbox"

# Calls within seconds: one message per second in short bursts, and the documented tiers of the other methods.
LIMITS: Mapping[str, tuple[int, float]] = {
    "chat.postMessage": (10, 10),
    "chat.update": (50, 60),
    "conversations.list": (20, 60),
    "users.lookupByEmail": (50, 60),
    "auth.test": (600, 60),
    "webhook": (10, 10),
}


@dataclass
class Access:
    limits: Mapping[str, tuple[int, float]]
    _open: dict[tuple[str, str], Limit] = field(default_factory=dict)

    def wait(self, method: str, channel: str = "") -> int:
        """Counts a call; whole seconds to wait when it is one too many, otherwise 0."""
        calls, seconds = self.limits[method]
        limit = self._open.setdefault((method, channel), Limit(calls, seconds))
        return 0 if limit.take() else max(1, math.ceil(limit.free_in))


def check_token(token: str | None) -> None:
    if not token:
        raise SlackError("not_authed")
    if token != TOKEN:
        raise SlackError("invalid_auth")
