"""The variables that Orb is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings


class OrbSettings(SystemSettings):
    """What Orb is read with."""

    title = "Orb"
    required_env = ("ORB_API_KEY",)
    where = "Developers → API keys"
    permissions = "read on Customers, Subscriptions, Plans, Invoices, Credit notes"
    when_refused = (
        "A 401 is a key that was revoked, or one of another account: live and test mode are two accounts, each with "
        "its own keys. A 403 is a key that may not read: make one that may."
    )

    orb_api_key: Secret = Field(default=None, description="API key of an Orb account, live or test.")
    orb_base_url: str = Field(default="https://api.withorb.com/v1", description="Address of the API, with its /v1.")
    orb_webhook_secret: Secret = Field(default=None, description="Signing secret of the webhook endpoint.")
