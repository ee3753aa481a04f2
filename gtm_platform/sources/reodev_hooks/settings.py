"""The variable that webhooks of Reo.dev are received with."""

from pydantic import Field

from gtm_platform.ingest.hooks.pushed_settings import PushedSettings
from gtm_platform.settings import Secret


class ReoHookSettings(PushedSettings):
    """What webhooks of Reo.dev are received with."""

    title = "Reo.dev webhooks"
    where = "docs/webhooks.md says how the webhook is set up"

    reodev_webhook_secret: Secret = Field(default=None, description="Secret that webhooks of Reo.dev come with.")
