"""The variables that Stripe is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings


class StripeSettings(SystemSettings):
    """What Stripe is read with."""

    title = "Stripe"
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
    stripe_api_version: str = Field(
        default="2026-10-28.endive", description="Version of the API that our records follow."
    )
