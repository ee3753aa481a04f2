"""Intercom: who the people are, how much they talk to support, and what about."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.intercom.client import check, connect, identity
from gtm_platform.sources.intercom.settings import IntercomSettings
from gtm_platform.sources.intercom.streams import STREAMS

SOURCE = Source(
    "intercom",
    Schedule(hours=6, minute=10),
    IntercomSettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="Support: contacts, companies, conversations with all their parts, ratings, tickets.",
)
