"""The variables that HubSpot is written with, beside those that it is read with."""

from pydantic import Field

from gtm_platform.settings import Text
from gtm_platform.sources.hubspot.settings import HubSpotAccountSettings


class HubSpotDeliverySettings(HubSpotAccountSettings):
    """The account that is written to, and the switch without which every delivery is a dry run."""

    title = "HubSpot, writing"
    permissions = (
        "to write: `crm.objects.contacts.write`, `crm.schemas.contacts.read`, `crm.schemas.contacts.write`, "
        "the same of companies and deals, and `HUBSPOT_WRITE_ENABLED=true`"
    )

    hubspot_portal_id: Text = Field(default=None, description="Account id, for links into HubSpot.")
    hubspot_write_enabled: bool = Field(default=False, description="true lets the platform write its properties.")


SETTINGS = HubSpotDeliverySettings
