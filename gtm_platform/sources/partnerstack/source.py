"""PartnerStack: the partners of the programme and whom they brought."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.partnerstack.client import check, connect
from gtm_platform.sources.partnerstack.settings import PartnerStackSettings
from gtm_platform.sources.partnerstack.streams import STREAMS

SOURCE = Source(
    "partnerstack",
    Schedule(hours=24, minute=15),
    PartnerStackSettings,
    connect=connect,
    check=check,
    identity="No list of PartnerStack names the account that a pair of keys belongs to.",
    streams=STREAMS,
    about="The partner programme: partners with their groups, and the leads, deals and customers that they brought.",
)
