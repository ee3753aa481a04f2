"""PostHog: who uses the product, where they came from, how much they use it; and the web site by the day."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.posthog.client import check, connect, identity
from gtm_platform.sources.posthog.settings import PostHogSettings
from gtm_platform.sources.posthog.streams import STREAMS
from gtm_platform.sources.posthog.web_streams import WEB_STREAMS

SOURCE = Source(
    "posthog",
    Schedule(hours=24, minute=30),
    PostHogSettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=(*STREAMS, *WEB_STREAMS),
    about="Product analytics: persons, signups with their origin, use day by day; and traffic of the web site.",
)
