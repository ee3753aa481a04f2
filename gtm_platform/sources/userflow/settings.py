"""The variables that Userflow is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Words


class UserflowSettings(SystemSettings):
    """What Userflow is read with."""

    title = "Userflow"
    required_env = ("USERFLOW_API_KEY",)
    where = "Settings → API, in the environment that the product reports to"
    permissions = "none to choose: a key reads its one environment"
    when_refused = (
        "A 401 or 403 is a key that was deleted, or of the other region: check USERFLOW_BASE_URL and make a new key in "
        "the environment that the product reports to."
    )

    userflow_api_key: Secret = Field(default=None, description="API key of one Userflow environment.")
    userflow_base_url: str = Field(
        default="https://api.userflow.com",
        description="Address of the API: https://api.eu.userflow.com for that region.",
    )
    userflow_webhook_secret: Secret = Field(default=None, description="Secret of the webhook subscription.")
    userflow_onboarding_content_ids: Words = Field(
        default="", description="Ids of the checklists that are the onboarding, separated by commas."
    )
    userflow_max_rps: float = Field(
        default=5.0, gt=0, description="Calls a second; Userflow does not publish how many it allows."
    )

    @property
    def onboarding_ids(self) -> tuple[str, ...]:
        """The ids of the checklists that are the onboarding."""
        return tuple(each for each in map(str.strip, self.userflow_onboarding_content_ids.split(",")) if each)

    def hints(self) -> tuple[str, ...]:
        """Say what is not known without the ids of the onboarding."""
        return () if self.onboarding_ids else ("set USERFLOW_ONBOARDING_CONTENT_IDS, else no onboarding is read",)
