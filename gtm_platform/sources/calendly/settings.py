"""The variables that Calendly is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings


class CalendlySettings(SystemSettings):
    """What Calendly is read with."""

    title = "Calendly"
    required_env = ("CALENDLY_TOKEN",)
    where = "Integrations → API and webhooks → Personal access tokens"
    permissions = "a token of an owner or admin of the organisation"
    when_refused = (
        "A 401 is a token that was revoked: make another one. A 403 is a token of somebody who is neither owner nor "
        "admin of the organisation, and so may not see the calls of colleagues."
    )

    calendly_token: Secret = Field(default=None, description="Personal access token of an owner or admin.")
    calendly_base_url: str = Field(default="https://api.calendly.com", description="Address of the API.")
    calendly_webhook_signing_key: Secret = Field(
        default=None, description="Key that the webhook subscription was made with; without commas."
    )
    calendly_max_rpm: int = Field(
        default=400, ge=1, description="Calls a minute; paid plans allow about 500, the free one about 50."
    )
