"""The variables that tables are published to BigQuery with."""

from pydantic import Field

from gtm_platform.settings import Secret, SystemSettings, Text


class BigQuerySettings(SystemSettings):
    """A project of Google Cloud as a warehouse."""

    title = "BigQuery (warehouse)"
    required_env = ("PUBLISH_BIGQUERY_PROJECT",)
    where = "Google Cloud's console, IAM, Service accounts; `pip install 'gtm-platform[bigquery]'`"
    permissions = "the roles BigQuery Data Editor and BigQuery Job User"
    when_refused = "Give the service account the two roles in the project, or in the datasets; see docs/publishing.md."

    publish_bigquery_project: Text = Field(default=None, description="Project of the datasets.")
    publish_bigquery_key: Secret = Field(
        default=None,
        description="Key of a service account, the JSON on one line; default: the machine's own identity.",
    )
    publish_bigquery_location: str = Field(default="EU", description="Where new datasets lie, such as EU or US.")
    publish_bigquery_url: Text = Field(default=None, description="Address of an emulator, in place of Google's.")


SETTINGS = BigQuerySettings
