"""The variables that Clay is asked with."""

from urllib.parse import urlsplit

from pydantic import Field

from gtm_platform.settings import Secret, SettingsError, SystemSettings, Text

OWN_HOSTS = ("clay.com",)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ClaySettings(SystemSettings):
    """What Clay is asked with."""

    title = "Clay"
    required_env = ("CLAY_API_KEY",)
    where = "Settings → Account → API key; the routine's id, or the table's webhook, in the table that enriches"
    permissions = "a key of a workspace that has the routine, and credits"
    when_refused = (
        "A 401 is a key that was replaced: make a new one. A 403 is a key without access to the routine, or a plan "
        "without the API; a 404 is a routine that is gone: check CLAY_COMPANY_ROUTINE_ID."
    )

    clay_api_key: Secret = Field(default=None, description="API key of Clay.")
    clay_base_url: str = Field(default="https://api.clay.com/public/v0", description="Address of Clay's public API.")
    clay_company_routine_id: Text = Field(
        default=None, description="Id of the routine that enriches a company, e.g. function:tbl_abc."
    )
    clay_company_webhook_url: Secret = Field(  # whoever has it can add rows
        default=None, description="Webhook of the table that enriches companies, instead of a routine."
    )
    clay_webhook_auth_token: Secret = Field(default=None, description="Token of that webhook, if it is protected.")
    clay_callback_url: Text = Field(
        default=None, description="Where that table sends its answers; whoever receives them hands them on."
    )
    clay_callback_secret: Secret = Field(
        default=None, description="Bearer token that the table's HTTP column sends with its answers."
    )
    clay_wait_seconds: float = Field(
        default=300.0,
        ge=0,
        description="How long a run waits for a routine; what comes later is collected by the next.",
    )

    @property
    def webhook(self) -> str:
        """The address of the table's webhook, "" without one; companies are sent there, so it has to be Clay's."""
        url = self.clay_company_webhook_url.get_secret_value() if self.clay_company_webhook_url else ""
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_clays = parts.scheme == "https" and any(host == own or host.endswith(f".{own}") for own in OWN_HOSTS)
        if url and not is_clays and host not in LOOPBACK:
            raise SettingsError("CLAY_COMPANY_WEBHOOK_URL is not an https address of clay.com. Copy it from the table.")
        return url

    def missing(self) -> list[str]:
        """List the required variables that are not set; beside the key one of the two ways in is enough."""
        ways = (self.clay_company_routine_id, self.clay_company_webhook_url)
        neither = [] if any(ways) else ["CLAY_COMPANY_ROUTINE_ID (or CLAY_COMPANY_WEBHOOK_URL)"]
        return super().missing() or neither

    def hints(self) -> tuple[str, ...]:
        """Say what a table with a webhook lacks to send its answers."""
        if self.clay_company_webhook_url and not (self.clay_callback_url and self.clay_callback_secret):
            return ("set CLAY_CALLBACK_URL and CLAY_CALLBACK_SECRET, else no answer of the table arrives",)
        return ()
