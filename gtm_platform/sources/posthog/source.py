"""PostHog: who uses the product, where they came from, and how much they use it."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.posthog.client import check, connect, identity
from gtm_platform.sources.posthog.settings import PostHogSettings
from gtm_platform.sources.posthog.streams import STREAMS

SOURCE = Source(
    "posthog",
    Schedule(hours=24, minute=30),
    PostHogSettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="Product analytics: persons, signups with their origin, logins and use day by day.",
)
