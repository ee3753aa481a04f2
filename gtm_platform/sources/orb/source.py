"""Orb: contracts, what they commit customers to, and what was billed and paid for them."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.orb.client import check, connect, identity
from gtm_platform.sources.orb.settings import OrbSettings
from gtm_platform.sources.orb.streams import STREAMS

SOURCE = Source(
    "orb",
    Schedule(hours=24, minute=20),
    OrbSettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="Billing by contract and by use: customers, subscriptions by time, plans, invoices, credit notes.",
)
