"""ListKit's admin dashboard: credits, exports and use of the product by account."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.admin_contract import check
from gtm_platform.sources.listkit_admin.client import connect
from gtm_platform.sources.listkit_admin.settings import ListKitAdminSettings
from gtm_platform.sources.listkit_admin.streams import STREAMS

SOURCE = Source(
    "listkit_admin",
    Schedule(hours=24, minute=50),
    ListKitAdminSettings,
    connect=connect,
    check=check,
    identity="A panel names no account; its address is the company's own.",
    streams=STREAMS,
    about="ListKit's admin dashboard: accounts with their credits, use by the day, exports.",
)
