"""YouTube: videos in which companies tell that they use a competitor's product."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.youtube.client import check, connect
from gtm_platform.sources.youtube.settings import YouTubeSettings
from gtm_platform.sources.youtube.streams import STREAMS

SOURCE = Source(
    "youtube",
    Schedule(hours=24, minute=38),
    YouTubeSettings,
    connect=connect,
    check=check,
    identity="A key reads what is public, which is nobody's account.",
    streams=STREAMS,
    about="Public videos in which a company tells that it uses a competitor's product, and what hurts.",
)
