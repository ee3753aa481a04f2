"""Crossbeam: partners, and the accounts that they and we share."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.crossbeam.client import check, connect, identity
from gtm_platform.sources.crossbeam.settings import CrossbeamSettings
from gtm_platform.sources.crossbeam.streams import STREAMS

SOURCE = Source(
    "crossbeam",
    Schedule(hours=24, minute=18),
    CrossbeamSettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="Partner ecosystems: partners, and the accounts that they and we have in our books.",
)
