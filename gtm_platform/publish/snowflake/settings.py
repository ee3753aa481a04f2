"""The variables that tables are published to Snowflake with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class SnowflakeSettings(SystemSettings):
    """A Snowflake account as a warehouse."""

    title = "Snowflake (warehouse)"
    required_env = (
        "PUBLISH_SNOWFLAKE_ACCOUNT",
        "PUBLISH_SNOWFLAKE_USER",
        "PUBLISH_SNOWFLAKE_PRIVATE_KEY",
        "PUBLISH_SNOWFLAKE_DATABASE",
    )
    where = "Snowsight, Account details; `pip install 'gtm-platform[snowflake]'`"
    permissions = "`usage` on the warehouse and the database, and `create schema` in the database"
    when_refused = "See docs/publishing.md for the statements that make the user and its role."

    publish_snowflake_account: Text = Field(default=None, description="Identifier of the account: organisation-name.")
    publish_snowflake_user: Text = Field(default=None, description="User of type service.")
    publish_snowflake_private_key: Secret = Field(
        default=None, description="Its private key, PKCS #8 in PEM, with \\n for ends of lines."
    )
    publish_snowflake_database: Text = Field(default=None, description="Database of the schemas.")
    publish_snowflake_warehouse: Text = Field(default=None, description="Warehouse that loads; default: the user's.")
    publish_snowflake_role: Text = Field(default=None, description="Role that owns the tables; default: the user's.")


SETTINGS = SnowflakeSettings
