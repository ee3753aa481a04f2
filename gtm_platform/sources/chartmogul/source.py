"""ChartMogul: what it makes of the billing systems' data, to reconcile our own figures with."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.chartmogul.client import check, connect, identity
from gtm_platform.sources.chartmogul.settings import ChartMogulSettings
from gtm_platform.sources.chartmogul.streams import STREAMS

SOURCE = Source(
    "chartmogul",
    Schedule(hours=24, minute=25),
    ChartMogulSettings,
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="A second opinion on recurring revenue: customers with their MRR, its movements, and company-wide metrics.",
)
