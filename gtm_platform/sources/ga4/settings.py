"""The variables that Google Analytics 4 is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class Ga4Settings(SystemSettings):
    """What Google Analytics 4 is read with."""

    title = "Google Analytics 4"
    required_env = ("GA4_SERVICE_ACCOUNT_JSON", "GA4_PROPERTY_ID")
    where = (
        "Google Cloud → IAM → Service accounts → Keys → JSON; the property's id stands under Admin → Property details"
    )
    permissions = "Viewer on the property, for the service account; the Analytics Data API switched on in its project"
    when_refused = (
        "A 401 is a key that was deleted: make a new one. A 403 is a service account that is not on the property: add "
        "its address as a Viewer under Admin → Property access; or an API that is not switched on in its project."
    )

    ga4_service_account_json: Secret = Field(
        default=None, description="Key of the service account: the JSON itself, or the path of its file."
    )
    ga4_property_id: Text = Field(default=None, pattern=r"^\d+$", description="Id of the property, digits only.")
    ga4_base_url: str = Field(
        default="https://analyticsdata.googleapis.com", description="Address of the Analytics Data API."
    )
    ga4_token_url: str = Field(
        default="https://oauth2.googleapis.com/token", description="Where access tokens are had."
    )
    ga4_company_dimension: Text = Field(
        default=None, description="Custom dimension with a visitor's company domain, e.g. customEvent:company_domain."
    )
    ga4_history_days: int = Field(
        default=400, ge=1, le=4000, description="How many days back a full refresh of Google Analytics reads."
    )

    def hints(self) -> tuple[str, ...]:
        """Say what is not known without a dimension of companies."""
        missing = "set GA4_COMPANY_DIMENSION, if you have one, else no visit is any company's"
        return () if self.ga4_company_dimension else (missing,)
