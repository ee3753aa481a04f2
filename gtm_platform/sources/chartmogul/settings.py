"""The variables that ChartMogul is read with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings


class ChartMogulSettings(SystemSettings):
    """What ChartMogul is read with."""

    title = "ChartMogul"
    required_env = ("CHARTMOGUL_API_KEY",)
    where = "Profile → API keys → New API key"
    permissions = "a read-only key"
    when_refused = (
        "A 401 is a key that was deleted, or whose user left: make a new read-only key. A 403 is an account without "
        "the API in its plan, or one whose trial is over."
    )

    chartmogul_api_key: Secret = Field(default=None, description="Read-only API key of a ChartMogul user.")
    chartmogul_base_url: str = Field(
        default="https://api.chartmogul.com/v1", description="Address of the API, with its /v1."
    )
