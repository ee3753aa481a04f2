"""Fathom: the calls that were recorded, their summaries, action items and transcripts."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.fathom.client import check, connect, identity
from gtm_platform.sources.fathom.settings import FathomSettings
from gtm_platform.sources.fathom.streams import STREAMS

SOURCE = Source(
    "fathom",
    Schedule(hours=24, minute=45),
    FathomSettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="Recorded calls: who was there, summaries, action items, and what customers said.",
)
