"""The variables that ListKit's admin dashboard is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class ListKitAdminSettings(SystemSettings):
    """What ListKit's admin dashboard is read with."""

    title = "ListKit admin"
    required_env = ("LISTKIT_ADMIN_TOKEN", "LISTKIT_ADMIN_BASE_URL")
    where = "From the team that runs ListKit; docs/admin-api.md says what they have to serve"
    permissions = "read only"
    when_refused = "A 401 is a token that was replaced: ask the team that runs ListKit for the present one."

    listkit_admin_token: Secret = Field(default=None, description="Service token of the admin API, read only.")
    listkit_admin_base_url: Text = Field(
        default=None, description="Address of the admin API with its version, e.g. https://admin.acme.com/admin-api/v1."
    )
