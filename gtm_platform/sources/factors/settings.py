"""The variables that Factors.ai is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Words, words


class FactorsSettings(SystemSettings):
    """What Factors.ai is read with."""

    title = "Factors.ai"
    required_env = ("FACTORS_API_TOKEN",)
    where = "Settings → Integrations → API, of the project of the website"
    permissions = "none to choose: a token reads the journeys of its one project"
    when_refused = "A 401 is a token that was replaced: copy the present one from the project's settings."

    factors_api_token: Secret = Field(default=None, description="API token of a Factors.ai project.")
    factors_base_url: str = Field(
        default="https://api.factors.ai/open/v1", description="Address of the open API, with its version."
    )
    factors_account_domains: Words = Field(
        default="",
        description="Domains of the companies whose visits are read, separated by commas: the API lists none.",
    )

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains whose journeys are read, each once."""
        return words(self.factors_account_domains.lower())

    def hints(self) -> tuple[str, ...]:
        """Say what is not known without domains."""
        return () if self.domains else ("set FACTORS_ACCOUNT_DOMAINS, else no visit is read",)
