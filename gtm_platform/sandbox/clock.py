"""The sandbox's clock: it follows real time, until somebody sets it."""

from datetime import UTC, datetime

from gtm_platform.sandbox.journal import Journal
from gtm_platform.sandbox.world import World


class SandboxClock:
    def __init__(self, world: World, journal: Journal, following: bool) -> None:
        self.world = world
        self.following = following
        self._journal = journal

    def set(self, now: datetime) -> None:
        self.world.advance(now)
        self.following = False
        self._journal.keep_clock(self.world.now)

    def follow(self) -> None:
        """From where it stands to real time, and on with it."""
        self.following = True
        self._journal.forget_clock()
        self.tick()

    def tick(self) -> None:
        if self.following:
            self.world.advance(max(self.world.now, datetime.now(UTC).replace(microsecond=0)))
