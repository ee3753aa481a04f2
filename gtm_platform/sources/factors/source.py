"""Factors.ai: which companies visit the website, what they look at, and where they come from."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.factors.client import check, connect
from gtm_platform.sources.factors.settings import FactorsSettings
from gtm_platform.sources.factors.streams import STREAMS

SOURCE = Source(
    "factors",
    Schedule(hours=24, minute=48),
    FactorsSettings,
    connect=connect,
    check=check,
    identity="No address of Factors.ai names the project.",
    streams=STREAMS,
    about="Visits of the website by companies: pages, time on the site, where they came from.",
)
