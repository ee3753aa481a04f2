"""The variables of a system that can also be read from landed tables, and of the services that land them."""

from typing import ClassVar, Literal

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text

Way = Literal["api", "fivetran", "airbyte"]


class LandedSettings(SystemSettings):
    """What is the same for every system that can be read from landed tables.

    A system declares its own five beside them, behind its `prefix`: `via`, `landed`, `landed_schema`,
    `landed_max_age_hours` and `landed_connection`.
    """

    prefix: ClassVar[str] = ""

    fivetran_api_key: Secret = Field(default=None, description="Key of Fivetran's API, to have it sync beforehand.")
    fivetran_api_secret: Secret = Field(default=None, description="Secret of Fivetran's API.")
    airbyte_base_url: Text = Field(
        default=None, description="Address of Airbyte's API where it is your own: https://…/api/public/v1"
    )
    airbyte_workspace_id: Text = Field(default=None, description="Workspace of Airbyte that has the connections.")
    airbyte_client_id: Secret = Field(default=None, description="Id of an application of Airbyte's, to have it sync.")
    airbyte_client_secret: Secret = Field(default=None, description="Secret of the application.")

    @property
    def way(self) -> Way:
        """How the system is read."""
        way: Way = getattr(self, f"{self.prefix}_via")
        return way

    @property
    def reads_api(self) -> bool:
        """Whether the system itself is asked: its webhooks say nothing of when a lander has synced."""
        return self.way == "api"

    @property
    def landed_at(self) -> str | None:
        """Where the landed tables lie."""
        place: Secret = getattr(self, f"{self.prefix}_landed")
        return place.get_secret_value() if place else None

    @property
    def schema_name(self) -> str:
        """The schema of the landed tables."""
        return str(getattr(self, f"{self.prefix}_landed_schema"))

    @property
    def max_age_hours(self) -> int:
        """How long ago the lander may have synced before the end of a window that is read."""
        return int(getattr(self, f"{self.prefix}_landed_max_age_hours"))

    @property
    def connection(self) -> str | None:
        """The lander's own id of what it syncs; None where it syncs by itself only."""
        connection: Text = getattr(self, f"{self.prefix}_landed_connection")
        return connection

    @property
    def has_api_key(self) -> bool:
        """Whether the API can be asked for what the lander does not land."""
        return not super().missing()

    def missing(self) -> list[str]:
        """List the variables that are not set and without which the system is off."""
        if self.way == "api":
            return super().missing()
        return [] if self.landed_at else [f"{self.prefix.upper()}_LANDED"]
