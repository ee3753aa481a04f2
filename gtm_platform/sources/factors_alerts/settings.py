"""The variable that alerts of Factors.ai are received with."""

from pydantic import Field

from gtm_platform.ingest.hooks.pushed_settings import PushedSettings
from gtm_platform.settings import Secret


class FactorsAlertSettings(PushedSettings):
    """What alerts of Factors.ai are received with."""

    title = "Factors.ai alerts"
    where = "docs/webhooks.md says how the alert's webhook is set up"

    factors_webhook_secret: Secret = Field(default=None, description="Secret of the webhooks of Factors.ai's alerts.")
