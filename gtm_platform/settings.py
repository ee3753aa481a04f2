"""The environment of the platform itself, typed, checked and read once; and what every system's own settings are.

A source or destination declares its variables in a `settings.py` of its own, as a `SystemSettings`; here stands GTM_*.
"""

import json
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)


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


def _bucket(value: str | None) -> str | None:
    """Accept the address of a bucket, or of a folder in one; keys have variables of their own."""
    if value is None:
        return None
    if not re.fullmatch(r"(s3|gs|az)://[^\s/?#@:]+(/[^\s?#@:]+)*/?", value):
        raise ValueError("write s3://bucket/folder, gs://bucket/folder or az://container/folder, without any key")
    return value.rstrip("/")


def words(text: str) -> tuple[str, ...]:
    """Return the parts of a value that are separated by commas, each once."""
    return tuple(dict.fromkeys(part for part in map(str.strip, text.split(",")) if part))


class _MayBeEmpty:
    """Mark a variable in which an empty value means none of them."""


Secret = SecretStr | None
Text = str | None
Words = Annotated[str, _MayBeEmpty()]  # separated by commas: `words` reads it


class _Environment(BaseSettings):
    """Variables of the environment; one that is empty counts as not set, whatever it holds."""

    # Every field is named as its variable, in lower case, so that one search finds both.
    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Leave out what is blank, so that its default counts: a blank path would be the working directory."""
        return {name: value for name, value in values.items() if not _is_blank(value) or cls._may_be_empty(name)}

    @classmethod
    def _may_be_empty(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and any(isinstance(mark, _MayBeEmpty) for mark in field.metadata)


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


class Settings(_Environment):
    """The variables of the platform itself."""

    gtm_home: Path = Field(default=Path(".gtm"), description="Folder of the lake, the state and Dagster's history.")
    gtm_policy: Path | None = Field(
        default=None, description="A policy file of your own; default: the packaged policy.toml."
    )
    gtm_state_url: Secret = Field(  # it holds the password
        default=None, description="Database of the state, such as postgresql+psycopg://…; default: SQLite in GTM_HOME."
    )
    gtm_dagster_url: Secret = Field(
        default=None, description="Postgres database of Dagster's history; default: SQLite in GTM_HOME."
    )
    gtm_run_launcher: Literal["process", "docker", "kubernetes"] = Field(
        default="process",
        description="Where runs of the daemon and the UI work: processes of the code server, containers of Docker, or "
        "Jobs of Kubernetes (docs/several-hosts.md).",
    )
    gtm_run_image: Text = Field(default=None, description="Image of such containers; it has the platform.")
    gtm_run_options: Path | None = Field(
        default=None, description="YAML file with options of the launcher, which go over those of the platform."
    )
    gtm_first_day: date | None = Field(
        default=None,
        description="First day that has partitions; default: the day before the first sync. Set it to backfill.",
    )
    gtm_engine: Literal["duckdb", "spark"] = Field(
        default="duckdb", description="What computes the daily tables: duckdb, in process, or spark."
    )
    gtm_code_url: Text = Field(
        default=None,
        description="Where this code is shown, e.g. https://github.com/acme/gtm/blob/main.",
    )
    gtm_docs_url: Text = Field(
        default=None,
        description="Address of the docs as a site, for links to runbooks in Slack; default: docs at GTM_CODE_URL.",
    )
    gtm_extensions: Text = Field(
        default=None, description="A folder or a package with assets of your own; several are separated by commas."
    )
    gtm_cache: Path | None = Field(
        default=None,
        description="Folder of what is kept to save time and can be deleted at any time; default: cache in GTM_HOME.",
    )
    gtm_lake: Annotated[Text, AfterValidator(_bucket)] = Field(
        default=None,
        description="Bucket of the lake: s3://…, gs://… or az://…, with the keys that the cloud's own tools read "
        "(AWS_ACCESS_KEY_ID, …; docs/bucket.md); default: the folder lake in GTM_HOME.",
    )
    gtm_lake_cache: str = Field(
        default="20GB",
        pattern=r"^\d+(\.\d+)? ?[MGT]B$",
        description="Room for this machine's copies of a lake in a bucket, in GTM_CACHE.",
    )
    gtm_memory_limit: str = Field(
        default="2.5GB",
        pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$",
        description="Memory that DuckDB may use in each process; what needs more goes to the disk, in GTM_HOME.",
    )
    gtm_ui_url: str = Field(
        default="http://127.0.0.1:3000", description="Address of the Dagster UI, for links in Slack."
    )
    gtm_dashboard_url: Text = Field(
        default=None, description="Address of the dashboard, for links in Slack, e.g. https://gtm.acme.com."
    )
    gtm_oidc_metadata_url: Text = Field(
        default=None,
        description="Where the identity provider describes itself (…/.well-known/openid-configuration); with it people "
        "sign in to the dashboard, at GTM_DASHBOARD_URL, and have the roles of [access] in the policy.",
    )
    gtm_oidc_client_id: Text = Field(default=None, description="Id of the dashboard at the identity provider.")
    gtm_oidc_client_secret: Secret = Field(default=None, description="Its secret there.")
    gtm_oidc_cookie_secret: Secret = Field(
        default=None, description="32 random characters or more, which sign the cookie of who has signed in."
    )
    gtm_public_url: Text = Field(
        default=None, description="Address under which systems reach gtm serve for webhooks, e.g. https://gtm.acme.com."
    )
    gtm_encryption_key: Secret = Field(
        default=None,
        description="Key that bodies of webhooks are kept with until they landed; gtm hooks key makes it. Several, "
        "separated by commas, while one replaces another: the first encrypts.",
    )
    gtm_keys: Secret = Field(
        default=None,
        description="Keys that the home is encrypted with, each with a name: k1:KEY; gtm key new makes one. Several, "
        "separated by commas, while one replaces another: the first encrypts. docs/encryption.md.",
    )
    gtm_privacy_key: Secret = Field(
        default=None,
        description="Key by which erased people are recognised when a system sends them again, and which signs "
        "receipts; gtm erase --new-key makes it. Several, separated by commas: the first is used for new ones.",
    )
    gtm_api_token: Secret = Field(
        default=None, description="Token of the program that starts gtm mcp; gtm token create makes it."
    )
    gtm_reports_url: Text = Field(
        default=None, description="Where the folder reports of GTM_HOME is served, for links and pictures in Slack."
    )
    gtm_now: datetime | None = Field(default=None, description="Pretend that it is this moment (demos and tests).")
    gtm_sandbox_speed: float = Field(
        default=1, ge=1, description="How many times as fast a sandbox counts its rate limits (gtm demo sets it)."
    )
    gtm_sandbox_clock: Path | None = Field(
        default=None, description="Clock file of a running sandbox, whose time is then the platform's (gtm ui sets it)."
    )

    def now(self) -> datetime:
        """Return the present moment, the one that GTM_NOW pretends, or that of the sandbox which is read."""
        if self.gtm_now:
            return _utc(self.gtm_now)
        return _sandbox_time(self.gtm_sandbox_clock) if self.gtm_sandbox_clock else datetime.now(UTC)

    @property
    def home(self) -> Path:
        """The folder of GTM_HOME, resolved."""
        return self.gtm_home.expanduser().resolve()

    @property
    def cache(self) -> Path:
        """The folder of GTM_CACHE, resolved."""
        return self.gtm_cache.expanduser().resolve() if self.gtm_cache else self.home / "cache"

    @property
    def lake_cache(self) -> int:
        """The bytes of GTM_LAKE_CACHE."""
        number, unit = self.gtm_lake_cache[:-2], self.gtm_lake_cache[-2:]
        return int(float(number) * {"MB": 10**6, "GB": 10**9, "TB": 10**12}[unit])

    @property
    def state_url(self) -> str:
        """The address of the state's database."""
        url = self.gtm_state_url
        return url.get_secret_value() if url else f"sqlite:///{self.home / 'state.db'}"


class SystemSettings(_Environment):
    """The variables of one outside system, and what a person needs to know to fill them in."""

    title: ClassVar[str] = ""  # what people call the system
    required_env: ClassVar[tuple[str, ...]] = ()  # without these it is off
    where: ClassVar[str] = ""  # to get the key
    permissions: ClassVar[str] = ""  # the least that the key needs
    when_refused: ClassVar[str] = ""  # what to do when the system does not accept the key, or lets it do too little

    def missing(self) -> list[str]:
        """List the required variables that are not set."""
        return [name for name in self.required_env if getattr(self, name.lower()) is None]

    @property
    def reads_api(self) -> bool:
        """Whether the system itself is asked, and not what somebody landed of it."""
        return True

    def hints(self) -> tuple[str, ...]:
        """Say what works less without a variable that is not required."""
        return ()

    def now(self) -> datetime:
        """Return the present moment as the platform has it."""
        return settings().now()


@cache
def settings_of(kind: type[S]) -> S:
    """Read the variables of a settings class from the environment, once."""
    try:
        return kind()
    except ValidationError as error:
        faults = "; ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise SettingsError(f"The environment cannot be used: {faults}. See .env.example.") from None


class _Current:
    """The platform's own settings, read once; `cache_clear` lets the whole environment be read anew."""

    def __call__(self) -> Settings:
        current: Settings = settings_of(Settings)
        return current

    def cache_clear(self) -> None:
        """Forget what was read of the environment."""
        settings_of.cache_clear()


settings = _Current()
