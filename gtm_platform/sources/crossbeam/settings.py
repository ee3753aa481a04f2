"""The variables that Crossbeam is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class CrossbeamSettings(SystemSettings):
    """What Crossbeam is read with."""

    title = "Crossbeam"
    required_env = (
        "CROSSBEAM_CLIENT_ID",
        "CROSSBEAM_CLIENT_SECRET",
        "CROSSBEAM_REFRESH_TOKEN",
        "CROSSBEAM_ORGANIZATION_UUID",
    )
    where = "Settings → API → OAuth application; the refresh token comes of logging in once with offline_access"
    permissions = "read:partnerships, read:populations, read:reports"
    when_refused = (
        "A 401 is a refresh token that was revoked: log in again with offline_access. A 403 is another organisation "
        "than the user's: check CROSSBEAM_ORGANIZATION_UUID."
    )

    crossbeam_client_id: Text = Field(default=None, description="Client id of the OAuth application.")
    crossbeam_client_secret: Secret = Field(default=None, description="Client secret of the OAuth application.")
    crossbeam_refresh_token: Secret = Field(default=None, description="Refresh token of who logged in.")
    crossbeam_organization_uuid: Text = Field(default=None, description="The organisation, which every call names.")
    crossbeam_base_url: str = Field(default="https://api.crossbeam.com", description="Address of the API.")
    crossbeam_auth_url: str = Field(default="https://auth.crossbeam.com", description="Where access tokens are had.")
