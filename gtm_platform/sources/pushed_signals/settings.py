"""The variables that signals of automation tools are received with."""

from pydantic import Field

from gtm_platform.ingest.hooks.pushed_settings import PushedSettings
from gtm_platform.settings import Secret


class PushedSignalSettings(PushedSettings):
    """What signals of automation tools are received with."""

    title = "Zapier, Make and others"
    where = "docs/webhooks.md says what they are to send"

    zapier_webhook_secret: Secret = Field(default=None, description="Secret that Zaps send with what they send.")
    make_webhook_secret: Secret = Field(default=None, description="Secret that scenarios of Make send.")
    signals_webhook_secret: Secret = Field(default=None, description="Secret of whatever else sends signals.")
