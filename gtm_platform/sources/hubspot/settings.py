"""The variables that HubSpot is read with. What is needed to write there stands in delivery/hubspot."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text
from gtm_platform.sources.landed.settings import LandedSettings, Way


class HubSpotAccountSettings(SystemSettings):
    """The account, for reading and for writing."""

    title = "HubSpot"
    required_env = ("HUBSPOT_ACCESS_TOKEN",)
    where = "Settings → Integrations → Service keys (or a private app)"
    permissions = (
        "`crm.objects.contacts.read`, `crm.objects.companies.read`, `crm.objects.deals.read`, "
        "`crm.objects.owners.read`, `sales-email-read`"
    )
    when_refused = (
        "A 401 is a token that was rotated or deleted: copy the present one. A 403 names the scope that is missing: "
        "add it to the key and save, the token stays the same."
    )

    hubspot_access_token: Secret = Field(default=None, description="Token of a HubSpot service key or private app.")
    hubspot_base_url: str = Field(default="https://api.hubapi.com", description="Address of the API, or of a proxy.")


class HubSpotSettings(LandedSettings, HubSpotAccountSettings):
    """What HubSpot is read with: its API, or tables that were landed."""

    prefix = "hubspot"

    hubspot_client_secret: Secret = Field(
        default=None, description="Client secret of the app that sends webhooks; set GTM_PUBLIC_URL, too."
    )
    hubspot_via: Way = Field(
        default="api",
        description="How HubSpot is read: api, or fivetran or airbyte for tables that one of them landed.",
    )
    hubspot_landed: Secret = Field(
        default=None,
        description="Where they lie: a DuckDB file, a folder of Parquet files, or postgresql://… (extra postgres).",
    )
    hubspot_landed_schema: str = Field(default="hubspot", description="Schema of the tables that were landed.")
    hubspot_landed_max_age_hours: int = Field(
        default=24, ge=1, description="How many hours before a window's end the lander may have synced last."
    )
    hubspot_landed_connection: Text = Field(
        default=None, description="The lander's own id of the connection, to have it sync before HubSpot is read."
    )
