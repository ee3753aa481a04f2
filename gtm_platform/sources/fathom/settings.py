"""The variables that Fathom is read with."""

from pydantic import Field, SecretStr

from gtm_platform.settings import Secret, SystemSettings


class FathomSettings(SystemSettings):
    """What Fathom is read with."""

    title = "Fathom"
    required_env = ("FATHOM_API_KEYS",)
    where = "User Settings → API Access, of each person who records calls"
    permissions = "a key sees what its owner recorded, and what was shared with them or their team"
    when_refused = "A 401 is a key that was revoked, or whose owner has left: replace it, or take it out of the list."

    fathom_api_keys: Secret = Field(default=None, description="Keys, one of each person, separated by commas.")
    fathom_base_url: str = Field(
        default="https://api.fathom.ai/external/v1", description="Address of the API, with its version."
    )
    fathom_webhook_secret: Secret = Field(
        default=None, description="Secret of the webhook, whsec_…; of several webhooks, all of them."
    )
    fathom_max_rpm: int = Field(default=60, ge=1, description="Calls a minute, those of all keys together.")

    def keys(self) -> list[SecretStr]:
        """Return the keys, each once."""
        text = self.fathom_api_keys.get_secret_value() if self.fathom_api_keys else ""
        return [SecretStr(key) for key in dict.fromkeys(filter(None, map(str.strip, text.split(","))))]
