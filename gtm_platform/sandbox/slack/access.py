"""Who may call, and how often: the token, its scopes, and a limit for each method."""

from collections.abc import Mapping

from gtm_platform.sandbox.kit.limits import KeyedLimits, Rate, wait_seconds
from gtm_platform.sandbox.slack.errors import SlackError

TOKEN = "xoxb-sandbox"
SCOPES = (
    "chat:write", "chat:write.public", "channels:read", "channels:history", "im:history", "im:write",
    "users:read", "users:read.email", "reactions:read", "reactions:write", "files:read", "files:write",
)  # fmt: skip

# One message per second in short bursts, and the documented tiers of the other methods.
_TIER_2, _TIER_3, _TIER_4, _SPECIAL = Rate(20, 60), Rate(50, 60), Rate(100, 60), Rate(600, 60)
LIMITS: Mapping[str, tuple[int, float]] = {
    "api.test": _TIER_4,
    "auth.test": _SPECIAL,
    "chat.delete": _TIER_3,
    "chat.getPermalink": _SPECIAL,
    "chat.postMessage": Rate(10, 10),
    "chat.update": _TIER_3,
    "conversations.history": _TIER_3,
    "conversations.info": _TIER_3,
    "conversations.list": _TIER_2,
    "conversations.open": _TIER_3,
    "conversations.replies": _TIER_3,
    "files.completeUploadExternal": _TIER_4,
    "files.getUploadURLExternal": _TIER_4,
    "files.info": _TIER_4,
    "reactions.add": _TIER_3,
    "reactions.get": _TIER_3,
    "reactions.list": _TIER_2,
    "reactions.remove": _TIER_2,
    "users.info": _TIER_4,
    "users.list": _TIER_2,
    "users.lookupByEmail": _TIER_3,
    "webhook": Rate(10, 10),
}


class Access:
    """The limits of one workspace."""

    def __init__(self, limits: Mapping[str, tuple[int, float]]) -> None:
        self._limits = {method: KeyedLimits(Rate(*rate)) for method, rate in limits.items()}

    def wait(self, method: str, key: str = "") -> int:
        """Count a call; whole seconds to wait when it is one too many, otherwise 0."""
        limit = self._limits[method].of(key)
        return 0 if limit.take() else wait_seconds(limit)


def check_token(token: str) -> None:
    """Refuse a call without the workspace's token."""
    if not token:
        raise SlackError("not_authed")
    if token != TOKEN:
        raise SlackError("invalid_auth")
