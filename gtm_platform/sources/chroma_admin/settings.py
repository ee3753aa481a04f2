"""The variables that Chroma's admin panel is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class ChromaAdminSettings(SystemSettings):
    """What Chroma's admin panel is read with."""

    title = "Chroma admin"
    required_env = ("CHROMA_ADMIN_TOKEN", "CHROMA_ADMIN_BASE_URL")
    where = "From the team that runs Chroma's panel; docs/admin-api.md says what they have to serve"
    permissions = "read only"
    when_refused = "A 401 is a token that was replaced: ask the team that runs the panel for the present one."

    chroma_admin_token: Secret = Field(default=None, description="Service token of the admin API, read only.")
    chroma_admin_base_url: Text = Field(
        default=None, description="Address of the admin API with its version, e.g. https://admin.acme.com/admin-api/v1."
    )
