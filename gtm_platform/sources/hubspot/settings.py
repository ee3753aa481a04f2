"""The variables that HubSpot is read with. What is needed to write there stands in delivery/hubspot."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings


class HubSpotSettings(SystemSettings):
    """What HubSpot is read with."""

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
