"""The variables that Intercom is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, Text
from gtm_platform.sources.landed.settings import LandedSettings, Way


class IntercomSettings(LandedSettings):
    """What Intercom is read with."""

    title = "Intercom"
    prefix = "intercom"
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
    intercom_client_secret: Secret = Field(
        default=None, description="Client secret of the app, with which it signs webhooks."
    )
    intercom_api_version: str = Field(default="2.14", description="Version of the API that our records follow.")
    intercom_stripe_amount_divisor: int = Field(
        default=1, ge=1, description="100 where Intercom shows Stripe's amounts in cents."
    )
    intercom_via: Way = Field(
        default="api",
        description="How Intercom is read: api, or fivetran or airbyte for tables that one of them landed.",
    )
    intercom_landed: Secret = Field(
        default=None,
        description="Where they lie: a DuckDB file, a folder of Parquet files, or postgresql://… (extra postgres).",
    )
    intercom_landed_schema: str = Field(default="intercom", description="Schema of the tables that were landed.")
    intercom_landed_max_age_hours: int = Field(
        default=24, ge=1, description="How many hours before a window's end the lander may have synced last."
    )
    intercom_landed_connection: Text = Field(
        default=None, description="The lander's own id of the connection, to have it sync before Intercom is read."
    )
