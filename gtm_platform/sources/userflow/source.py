"""Userflow: who was seen in the product when, and how far the onboarding got."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.userflow.client import check, connect
from gtm_platform.sources.userflow.settings import UserflowSettings
from gtm_platform.sources.userflow.streams import STREAMS

SOURCE = Source(
    "userflow",
    Schedule(hours=24, minute=35),
    UserflowSettings,
    connect=connect,
    check=check,
    identity="No address of Userflow names the account or the environment.",
    streams=STREAMS,
    about="Guidance in the product: users with their last visit, companies, checklists and flows, runs through them.",
)
