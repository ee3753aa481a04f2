"""The variables that webhooks are sent to others with."""

from typing import Literal

from pydantic import Field

from gtm_platform.settings import Secret, SettingsError, SystemSettings

SHORTEST = 32  # characters of a key, from which secrets of 256 bits are made
ADVICE = "openssl rand -base64 32 makes one; put it in front of the old one, separated by a comma."


class TriggerSettings(SystemSettings):
    """Webhooks to others, as a destination of changes."""

    title = "Triggers"
    required_env = ("TRIGGER_KEY",)
    where = "openssl rand -base64 32"
    when_refused = f"A key that is too short, or another one than subscriptions were made with, signs nothing. {ADVICE}"
    permissions = "subscriptions (`gtm trigger add`) and `TRIGGER_SEND_ENABLED=true`"

    trigger_key: Secret = Field(
        default=None,
        description="Key that the secrets of subscriptions are made from; several with commas, the newest first.",
    )
    trigger_send_enabled: bool = Field(default=False, description="true lets the platform send webhooks.")
    trigger_receivers: Literal["public", "also_loopback"] = Field(
        default="public",
        description="Where receivers may be: public, or also_loopback for this machine, over http, too (sandboxes).",
    )

    @property
    def allow_loopback(self) -> bool:
        """Whether receivers may be on this machine."""
        return self.trigger_receivers == "also_loopback"

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys, the newest first."""
        if self.trigger_key is None:
            return ()
        parts = [part.strip() for part in self.trigger_key.get_secret_value().split(",")]
        if any(len(part) < SHORTEST for part in parts):
            raise SettingsError(f"TRIGGER_KEY: a key has at least {SHORTEST} characters. {ADVICE}")
        return tuple(part.encode() for part in parts)


SETTINGS = TriggerSettings
