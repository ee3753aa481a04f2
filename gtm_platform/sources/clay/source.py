"""Clay: facts about companies out of a table that enriches them, asked on demand, for credits."""

from gtm_platform.ingest.enrichment import companies_stream
from gtm_platform.ingest.source import OnDemand, Source
from gtm_platform.sources.clay.client import Clay, check, connect, facts_of, identity
from gtm_platform.sources.clay.records import Company
from gtm_platform.sources.clay.settings import ClaySettings

SOURCE = Source(
    "clay",
    OnDemand(),
    ClaySettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=(companies_stream(Company, "clay", Clay.credits_left, facts_of),),
    about="Clay: size, industry and place of companies that lack them, as one of Clay's tables enriches them.",
)
