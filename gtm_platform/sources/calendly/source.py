"""Calendly: the calls that customers book, move, call off and miss."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.calendly.client import check, connect, identity
from gtm_platform.sources.calendly.settings import CalendlySettings
from gtm_platform.sources.calendly.streams import STREAMS

SOURCE = Source(
    "calendly",
    Schedule(hours=4, minute=40),
    CalendlySettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="Booked calls: events with their hosts, invitees with cancellations, moves and no-shows, members.",
)
