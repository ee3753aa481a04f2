"""The variables that Stripe is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, Text
from gtm_platform.sources.landed.settings import LandedSettings, Way


class StripeSettings(LandedSettings):
    """What Stripe is read with."""

    title = "Stripe"
    prefix = "stripe"
    required_env = ("STRIPE_API_KEY",)
    where = "Developers → API keys → Create restricted key"
    permissions = (
        "read on Customers, Subscriptions, Invoices, Charges and refunds, Disputes, Products, Prices, Coupons, Events"
    )
    when_refused = (
        "A 401 is a key that expired or was rolled: make a new restricted key. A 403 names the permission that is "
        "missing: edit the key and give it read access. Keys of test mode show no live data."
    )

    stripe_api_key: Secret = Field(default=None, description="Restricted Stripe key, read only.")
    stripe_base_url: str = Field(default="https://api.stripe.com", description="Address of the API, or of a proxy.")
    stripe_webhook_secret: Secret = Field(default=None, description="Signing secret of the webhook endpoint, whsec_….")
    stripe_api_version: str = Field(
        default="2026-10-28.endive", description="Version of the API that our records follow."
    )
    stripe_via: Way = Field(
        default="api", description="How Stripe is read: api, or fivetran or airbyte for tables that one of them landed."
    )
    stripe_landed: Secret = Field(
        default=None,
        description="Where they lie: a DuckDB file, a folder of Parquet files, or postgresql://… (extra postgres).",
    )
    stripe_landed_schema: str = Field(default="stripe", description="Schema of the tables that were landed.")
    stripe_landed_max_age_hours: int = Field(
        default=24, ge=1, description="How many hours before a window's end the lander may have synced last."
    )
    stripe_landed_connection: Text = Field(
        default=None, description="The lander's own id of the connection, to have it sync before Stripe is read."
    )
