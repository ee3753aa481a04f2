"""Intercom: who the people are, how much they talk to support, and what about."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.intercom.client import check, connect, identity
from gtm_platform.sources.intercom.landed_airbyte import AIRBYTE_INTERCOM
from gtm_platform.sources.intercom.landed_fivetran import FIVETRAN_INTERCOM
from gtm_platform.sources.intercom.settings import IntercomSettings
from gtm_platform.sources.intercom.streams import STREAMS
from gtm_platform.sources.landed.ways import Ways

WAYS = Ways(connect, check, identity, (FIVETRAN_INTERCOM, AIRBYTE_INTERCOM), STREAMS)
SOURCE = Source(
    "intercom",
    Schedule(hours=6, minute=10),
    IntercomSettings,
    prepare=WAYS.prepare,
    connect=WAYS.connect,
    check=WAYS.check,
    identity=WAYS.identity,
    streams=STREAMS,
    about="Support: contacts, companies, conversations with all their parts, ratings, tickets.",
)
