"""The variables that tables are published to Redshift with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class RedshiftSettings(SystemSettings):
    """A Redshift cluster or workgroup as a warehouse, which loads files from a bucket."""

    title = "Redshift (warehouse)"
    required_env = ("PUBLISH_REDSHIFT_URL", "PUBLISH_REDSHIFT_STAGE", "PUBLISH_REDSHIFT_IAM_ROLE")
    where = "AWS's console, Redshift; `pip install 'gtm-platform[redshift]'`"
    permissions = "`create` on the database; its role reads the bucket, and the machine writes it"
    when_refused = "See docs/publishing.md for the statements that make the user and the role."

    publish_redshift_url: Secret = Field(
        default=None, description="Database, such as redshift://user:password@host:5439/db."
    )
    publish_redshift_stage: Text = Field(
        default=None, description="Where files are put to be loaded, and deleted afterwards: s3://bucket/folder."
    )
    publish_redshift_iam_role: Text = Field(default=None, description="ARN of the role that Redshift reads it with.")


SETTINGS = RedshiftSettings
