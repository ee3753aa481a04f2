"""An emulator of GitHub's REST API of version 2022-11-28, and of the one GraphQL query that lists stars newest first.

Public reading only: forks, issues, users, organisations and code search of a world's developers.
"""

from gtm_platform.sandbox.github.access import DOCUMENTED, TOKEN, Limits
from gtm_platform.sandbox.github.app import app
from gtm_platform.sandbox.github.store import GitHubStore
from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.world.market_signals import REPOSITORIES

EMULATOR = Emulator(
    name="github",
    title="GitHub",
    store=lambda world: GitHubStore(world.market),
    app=lambda store, clock, _persist: app(store, clock),
    environment=lambda url: {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_BASE_URL": url,
        "GITHUB_WATCHED_REPOS": ",".join(REPOSITORIES),
    },
    limits=DOCUMENTED,
)

__all__ = ["EMULATOR", "TOKEN", "GitHubStore", "Limits", "app"]
