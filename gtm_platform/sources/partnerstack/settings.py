"""The variables that PartnerStack is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings


class PartnerStackSettings(SystemSettings):
    """What PartnerStack is read with."""

    title = "PartnerStack"
    required_env = ("PARTNERSTACK_PUBLIC_KEY", "PARTNERSTACK_SECRET_KEY")
    where = "Settings → Integrations → PartnerStack API keys, those of production"
    permissions = "none to choose: a pair of keys reads its whole account"
    when_refused = "A 401 is a pair of keys that was rotated, or one of test and one of production: copy both again."

    partnerstack_public_key: Secret = Field(default=None, description="Public key of the vendor API.")
    partnerstack_secret_key: Secret = Field(default=None, description="Secret key of the vendor API.")
    partnerstack_base_url: str = Field(
        default="https://api.partnerstack.com/api/v2", description="Address of the vendor API with its version."
    )
