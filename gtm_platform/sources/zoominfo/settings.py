"""The variables that ZoomInfo is asked with."""

from datetime import date, datetime, time, timedelta

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class ZoomInfoSettings(SystemSettings):
    """What ZoomInfo is asked with."""

    title = "ZoomInfo"
    required_env = ("ZOOMINFO_CLIENT_ID", "ZOOMINFO_CLIENT_SECRET")
    where = "DevPortal → Apps → your app, with the grant type client credentials"
    permissions = "api:data:company, and a contract with credits"
    when_refused = (
        "A 401 is a client whose secret was replaced: copy the present one. A 403 is an app without the scope "
        "api:data:company, or a contract without a field that is asked for."
    )

    zoominfo_client_id: Text = Field(default=None, description="Client id of the ZoomInfo app.")
    zoominfo_client_secret: Secret = Field(default=None, description="Client secret of the ZoomInfo app.")
    zoominfo_base_url: str = Field(default="https://api.zoominfo.com/gtm", description="Address of ZoomInfo's GTM API.")
    zoominfo_token_url: str = Field(
        default="https://api.zoominfo.com/gtm/oauth/v1/token", description="Where ZoomInfo gives access tokens."
    )
    zoominfo_contract_start: date | None = Field(
        default=None,
        description="A day on which the contract began or was renewed: a company is charged once in its year.",
    )

    def charged_once_since(self) -> datetime | None:
        """Return when the contract's present year began; None where it is not known when."""
        start, now = self.zoominfo_contract_start, self.now()
        if start is None:
            return None
        years = now.year - start.year
        while (begun := _anniversary(start, years)) > now.date():
            years -= 1
        return datetime.combine(begun, time(), now.tzinfo)

    def hints(self) -> tuple[str, ...]:
        """Say what is counted too high without the contract's start."""
        missing = "set ZOOMINFO_CONTRACT_START, else a company that is asked for again counts as charged again"
        return () if self.zoominfo_contract_start else (missing,)


def _anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return (day - timedelta(days=1)).replace(year=day.year + years)
