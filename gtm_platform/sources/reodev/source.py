"""Reo.dev: companies whose developers show interest, and what they did."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.reodev.client import check, connect
from gtm_platform.sources.reodev.settings import ReoSettings
from gtm_platform.sources.reodev.streams import STREAMS

SOURCE = Source(
    "reodev",
    Schedule(hours=24, minute=28),
    ReoSettings,
    connect=connect,
    check=check,
    identity="No address of Reo.dev names the account.",
    streams=STREAMS,
    about="Developer intent: accounts by segment, their developers, and what these did on GitHub and our pages.",
)
