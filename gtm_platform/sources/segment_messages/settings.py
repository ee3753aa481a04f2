"""The variable that Segment's webhooks are received with."""

from pydantic import Field

from gtm_platform.ingest.hooks.pushed_settings import PushedSettings
from gtm_platform.settings import Secret


class SegmentSettings(PushedSettings):
    """What Segment's webhooks are received with."""

    title = "Segment"
    where = "Connections → Destinations → Webhooks; docs/webhooks.md says more"

    segment_webhook_secret: Secret = Field(default=None, description="Shared secret of the destination Webhooks.")
