"""The variables that webhooks are sent to others with."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from gtm_platform.settings import Secret, SystemSettings

SHORTEST = 32  # characters of a key, from which secrets of 256 bits are made


def _long_enough(keys: SecretStr | None) -> SecretStr | None:
    parts = [part.strip() for part in keys.get_secret_value().split(",")] if keys else []
    if any(len(part) < SHORTEST for part in parts):
        raise ValueError(f"a key has at least {SHORTEST} characters; openssl rand -base64 32 makes one")
    return keys


class TriggerSettings(SystemSettings):
    """Webhooks to others, as a destination of changes."""

    title = "Triggers"
    required_env = ("TRIGGER_KEY",)
    where = "openssl rand -base64 32"
    permissions = "subscriptions (`gtm trigger add`) and `TRIGGER_SEND_ENABLED=true`"

    trigger_key: Annotated[Secret, AfterValidator(_long_enough)] = Field(
        default=None,
        description="Key that the secrets of subscriptions are made from; several with commas, the newest first.",
    )
    trigger_send_enabled: bool = Field(default=False, description="true lets the platform send webhooks.")
    trigger_allow_loopback: bool = Field(
        default=False, description="true lets receivers be on this machine, over http, too (sandboxes and tests)."
    )

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys, the newest first."""
        if self.trigger_key is None:
            return ()
        return tuple(part.strip().encode() for part in self.trigger_key.get_secret_value().split(","))


SETTINGS = TriggerSettings
