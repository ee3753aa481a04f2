"""Chroma's admin panel: how much of the database each account uses."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.admin_contract import check
from gtm_platform.sources.chroma_admin.client import connect
from gtm_platform.sources.chroma_admin.settings import ChromaAdminSettings
from gtm_platform.sources.chroma_admin.streams import STREAMS

SOURCE = Source(
    "chroma_admin",
    Schedule(hours=24, minute=55),
    ChromaAdminSettings,
    connect=connect,
    check=check,
    identity="A panel names no account; its address is the company's own.",
    streams=STREAMS,
    about="Chroma's admin panel: accounts with their collections and vectors, instances, use by the day.",
)
