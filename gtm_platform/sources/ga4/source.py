"""Google Analytics 4: sessions, pages and conversions of the web site by the day."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.ga4.client import check, connect
from gtm_platform.sources.ga4.settings import Ga4Settings
from gtm_platform.sources.ga4.streams import STREAMS

SOURCE = Source(
    "ga4",
    Schedule(hours=24, minute=40),
    Ga4Settings,
    connect=connect,
    check=check,
    identity="A property is named by its id in the environment, which no answer confirms.",
    streams=STREAMS,
    about="The web site: sessions by source and medium, pages, conversions by the day.",
)
