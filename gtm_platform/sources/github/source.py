"""GitHub: what developers do in watched repositories, and who imports a competitor's package."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.github.client import check, connect
from gtm_platform.sources.github.settings import GitHubSettings
from gtm_platform.sources.github.streams import STREAMS

SOURCE = Source(
    "github",
    Schedule(hours=24, minute=18),
    GitHubSettings,
    connect=connect,
    check=check,
    identity="A token reads what is public, which is nobody's account.",
    streams=STREAMS,
    about="Developers: stars, forks and issues of watched repositories, who is behind them, imports of rival packages.",
)
