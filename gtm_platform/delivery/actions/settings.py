"""The variables that Intercom is written with, beside those that it is read with. Tasks go by those of HubSpot."""

from pydantic import Field

from gtm_platform.sources.intercom.settings import IntercomSettings


class IntercomActionSettings(IntercomSettings):
    """The workspace that is written to, and the switch without which every action there is a dry run."""

    title = "Intercom, writing"
    permissions = (
        "to write: read and write users, read and write tags, write conversations (of canaries), and "
        "`INTERCOM_WRITE_ENABLED=true`"
    )

    intercom_write_enabled: bool = Field(
        default=False, description="true lets the platform put tags on contacts and companies, and make canaries."
    )


SETTINGS = IntercomActionSettings
