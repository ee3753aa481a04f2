"""The environment, typed and checked, read once. Every variable stands in `.env.example`; no secret lies elsewhere."""

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(ValueError):
    """The environment holds something that cannot be used; the message names the variable."""


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sandbox_time(clock: Path) -> datetime:
    """Read what time it is in a sandbox: its clock stands still, or runs at the speed of real time, perhaps ahead."""
    try:
        state = json.loads(clock.read_text())
    except FileNotFoundError:  # it has not ticked yet
        return datetime.now(UTC)
    if not state["following"]:
        return datetime.fromisoformat(state["now"])
    return datetime.now(UTC) + timedelta(seconds=state["ahead_seconds"])


def _no_blank(value: object) -> object:
    return None if value == "" else value


Secret = Annotated[SecretStr | None, BeforeValidator(_no_blank)]
Text = Annotated[str | None, BeforeValidator(_no_blank)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    gtm_home: Path = Field(default=Path(".gtm"), description="Folder of the lake, the state and Dagster's history.")
    gtm_policy: Path | None = Field(
        default=None, description="A policy file of your own; default: the packaged policy.toml."
    )
    gtm_state_url: Secret = Field(  # it holds the password
        default=None, description="Database of the state; default: SQLite in GTM_HOME."
    )
    gtm_first_day: date = Field(default=date(2026, 1, 1), description="First day that has partitions.")
    gtm_engine: Literal["duckdb", "spark"] = Field(
        default="duckdb", description="What computes the daily tables: duckdb, in process, or spark."
    )
    gtm_memory_limit: str = Field(
        default="2.5GB",
        pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$",
        description="Memory that DuckDB may use in each process; what needs more goes to the disk, in GTM_HOME.",
    )
    gtm_now: datetime | None = Field(default=None, description="Pretend that it is this moment (demos and tests).")
    gtm_sandbox_clock: Path | None = Field(
        default=None, description="Clock file of a running sandbox, whose time is then the platform's (gtm ui sets it)."
    )

    hubspot_access_token: Secret = Field(default=None, description="Token of a HubSpot service key or private app.")
    hubspot_base_url: str = "https://api.hubapi.com"
    hubspot_portal_id: Text = Field(default=None, description="Account id, for links into HubSpot.")
    hubspot_write_enabled: bool = Field(default=False, description="Let the platform write to HubSpot.")

    stripe_api_key: Secret = Field(default=None, description="Restricted Stripe key, read only.")
    stripe_base_url: str = "https://api.stripe.com"
    stripe_api_version: str = "2026-10-28.endive"

    intercom_access_token: Secret = Field(default=None, description="Token of a private Intercom app.")
    intercom_base_url: str = "https://api.intercom.io"
    intercom_api_version: str = "2.14"
    intercom_stripe_amount_divisor: int = Field(
        default=1, ge=1, description="100 where Intercom shows Stripe amounts in cents."
    )

    slack_bot_token: Secret = Field(default=None, description="Bot token (xoxb-…) with chat:write.")
    slack_base_url: str = "https://slack.com/api/"
    slack_alert_channel: Text = Field(default=None, description="Id of the channel that gets the alerts.")
    slack_summary_channel: Text = Field(default=None, description="Id of the channel that gets the summaries.")
    slack_send_enabled: bool = Field(default=False, description="Let the platform post to Slack.")

    def now(self) -> datetime:
        if self.gtm_now:
            return _utc(self.gtm_now)
        return _sandbox_time(self.gtm_sandbox_clock) if self.gtm_sandbox_clock else datetime.now(UTC)

    @property
    def home(self) -> Path:
        return self.gtm_home.expanduser().resolve()

    @property
    def state_url(self) -> str:
        given = self.gtm_state_url
        return given.get_secret_value() if given else f"sqlite:///{self.home / 'state.db'}"

    def missing(self, *variables: str) -> list[str]:
        """Those of the named environment variables that are not set."""
        return [name for name in variables if getattr(self, name.lower()) is None]


@cache
def settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        told = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise SettingsError(f"The environment cannot be used: {told}. See .env.example.") from None
