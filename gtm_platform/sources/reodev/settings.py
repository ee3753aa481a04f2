"""The variables that Reo.dev is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Words, words


class ReoSettings(SystemSettings):
    """What Reo.dev is read with."""

    title = "Reo.dev"
    required_env = ("REODEV_API_KEY",)
    where = "Settings → Integrations → API Keys, with the add-on Data Out API"
    permissions = "the Data Out API, for reading"
    when_refused = "A 401 or 403 is a key without the add-on Data Out API, or one that was replaced: ask the support."

    reodev_api_key: Secret = Field(default=None, description="API key of Reo.dev.")
    reodev_base_url: str = Field(default="https://integration.reo.dev", description="Address of the API for reading.")
    reodev_segment_ids: Words = Field(
        default="", description="Ids of the segments that are read, separated by commas; default: all."
    )
    reodev_max_rps: float = Field(
        default=2.0, gt=0, description="Calls a second; Reo.dev does not publish how many it allows."
    )

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """The ids of the segments that are read; none for all."""
        return words(self.reodev_segment_ids)
