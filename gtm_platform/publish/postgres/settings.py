"""The variables that tables are published to Postgres with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings


class PostgresSettings(SystemSettings):
    """A Postgres database, version 11 or newer, as a warehouse."""

    title = "Postgres (warehouse)"
    required_env = ("PUBLISH_POSTGRES_URL",)
    where = "your database; `pip install 'gtm-platform[postgres]'`"
    permissions = "`create` on the database, or the schemas of docs/publishing.md made and owned by the user"
    when_refused = "See docs/publishing.md for the statements that make the user and its schemas."

    publish_postgres_url: Secret = Field(
        default=None, description="Database that tables are published to, such as postgresql://user:password@host/db."
    )


SETTINGS = PostgresSettings
