"""ZoomInfo: facts about companies, asked on demand, for credits."""

from gtm_platform.ingest.enrichment import companies_stream
from gtm_platform.ingest.source import OnDemand, Source
from gtm_platform.sources.zoominfo.client import ZoomInfo, check, connect
from gtm_platform.sources.zoominfo.records import Company
from gtm_platform.sources.zoominfo.settings import ZoomInfoSettings

SOURCE = Source(
    "zoominfo",
    OnDemand(),
    ZoomInfoSettings,
    connect=connect,
    check=check,
    identity="No answer of ZoomInfo names the account.",
    streams=(companies_stream(Company, "zoominfo", ZoomInfo.credits_left),),
    about="ZoomInfo: size, industry and place of companies that lack them, a credit for each that it knows.",
)
