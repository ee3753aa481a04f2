"""The sandbox's clock: it stands still, or it runs at the speed of real time, with it or ahead of it.

The world lives forward only. A clock that was moved on never comes back: it can only run on from where it stands. What
has happened by an instant, and what belongs to the truth of a day, is the world's affair.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gtm_platform.sandbox.journal import Journal
from gtm_platform.sandbox.world import World

LONGEST_MOVE = timedelta(days=366)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class ClockState:
    """What outlives a restart: the latest time anybody can have seen, and how the clock runs.

    `lead` is how far a clock that follows real time is ahead of it.
    """

    now: datetime
    following: bool
    lead: timedelta = timedelta()

    def to_json(self) -> dict[str, object]:
        return {"now": self.now.isoformat(), "following": self.following, "ahead_seconds": self.lead // SECOND}

    @classmethod
    def from_json(cls, saved: dict[str, object]) -> "ClockState":
        return cls(
            datetime.fromisoformat(str(saved["now"])),
            bool(saved.get("following")),
            timedelta(seconds=int(str(saved.get("ahead_seconds", 0)))),
        )


def real_time() -> datetime:
    """Return the machine's time in UTC, in whole seconds as the world counts."""
    return datetime.now(UTC).replace(microsecond=0)


class SandboxClock:
    """The clock that moves the world; a new one runs with real time, or stands at the start if `stopped`."""

    def __init__(
        self, world: World, journal: Journal, stopped: bool, real_time: Callable[[], datetime] = real_time
    ) -> None:
        saved = journal.clock()
        state = ClockState.from_json(saved) if saved else ClockState(world.start, following=True)
        self.world = world
        self.following = state.following and not stopped
        self.lead = state.lead if self.following else timedelta()
        self._left_at = state.now
        self._journal = journal
        self._real_time = real_time
        self._persisted: ClockState | None = None

    def resume(self) -> None:
        """Go on from where the clock stood when the sandbox ended."""
        self.world.advance(max(self.world.now, self._left_at))
        self.tick()
        self._persist()

    def set(self, now: datetime) -> None:
        """Advance to a moment, and stand still there."""
        self.world.advance(now)
        self.following, self.lead = False, timedelta()
        self._persist()

    def move(self, by: timedelta) -> None:
        """Advance by some time; a clock that runs keeps running, so much further ahead of real time."""
        if not SECOND <= by <= LONGEST_MOVE:
            raise ValueError(f"The clock moves by at least a second and at most {LONGEST_MOVE.days} days, not by {by}.")
        self.tick()
        self.world.advance(self.world.now + by)
        if self.following:
            self.lead += by
        self._persist()

    def follow(self) -> None:
        """Run at the speed of real time: from now, or from where the clock stands if that is later."""
        self.following = True
        self.lead = max(timedelta(), self.world.now - self._real_time())
        self.tick()

    def tick(self) -> None:
        """Let the world catch up with a clock that runs."""
        if self.following:
            self.world.advance(max(self.world.now, self._real_time() + self.lead))
            self._persist()

    def describe(self) -> str:
        """Say in a sentence how the clock goes."""
        if not self.following:
            return "The clock stands still until it is moved."
        if not self.lead:
            return "The clock follows real time."
        return f"The clock runs at the speed of real time, {_spelled(self.lead)} ahead: the world cannot go back."

    def _persist(self) -> None:
        state = ClockState(self.world.now, self.following, self.lead)
        if state != self._persisted:
            self._journal.write_clock(state.to_json())
            self._persisted = state


def _spelled(span: timedelta) -> str:
    """A length of time in its two largest units."""
    minutes = span // timedelta(minutes=1)
    amounts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    words = [f"{amount} {unit}{'s' if amount > 1 else ''}" for amount, unit in amounts if amount]
    return " and ".join(words[:2]) or "less than a minute"
