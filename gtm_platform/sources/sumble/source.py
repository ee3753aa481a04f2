"""Sumble: which companies hire for AI, and whose job posts name a competitor's product."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.sumble.client import check, connect
from gtm_platform.sources.sumble.settings import SumbleSettings
from gtm_platform.sources.sumble.streams import STREAMS

SOURCE = Source(
    "sumble",
    Schedule(hours=24, minute=8),
    SumbleSettings,
    connect=connect,
    check=check,
    identity="No address of Sumble names the account.",
    streams=STREAMS,
    about="Hiring: job posts about AI with the technologies they mention, and the organisations that post them.",
)
