"""The variables that Intercom is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings


class IntercomSettings(SystemSettings):
    """What Intercom is read with."""

    title = "Intercom"
    required_env = ("INTERCOM_ACCESS_TOKEN",)
    where = "Developer Hub → your app → Authentication"
    permissions = "read conversations, read users and companies, read tickets, read admins, read tags"
    when_refused = (
        "A 401 is a token of another region or of a deleted app: check INTERCOM_BASE_URL and copy the token again. A "
        "403 is a permission that the app lacks: add it under Authentication, then install the app anew."
    )

    intercom_access_token: Secret = Field(default=None, description="Token of a private Intercom app.")
    intercom_base_url: str = Field(
        default="https://api.intercom.io",
        description="Address of the API: https://api.eu.intercom.io and https://api.au.intercom.io for those regions.",
    )
    intercom_api_version: str = Field(default="2.14", description="Version of the API that our records follow.")
    intercom_stripe_amount_divisor: int = Field(
        default=1, ge=1, description="100 where Intercom shows Stripe's amounts in cents."
    )
