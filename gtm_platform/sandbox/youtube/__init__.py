"""An emulator of the YouTube Data API v3, for reading what is public: search, videos, channels and their uploads."""

from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.youtube.access import DOCUMENTED, PREFIX, TOKEN, Limits
from gtm_platform.sandbox.youtube.app import app
from gtm_platform.sandbox.youtube.store import TALKS, YouTubeStore

EMULATOR = Emulator(
    name="youtube",
    title="YouTube",
    store=lambda world: YouTubeStore(world.market),
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {
        "YOUTUBE_API_KEY": TOKEN,
        "YOUTUBE_BASE_URL": f"{url}{PREFIX}",
        "YOUTUBE_CHANNEL_IDS": TALKS,
    },
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "TOKEN", "Limits", "YouTubeStore", "app"]
