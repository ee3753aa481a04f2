"""On which days a person uses the product: a pure function of who they are and the day, not a stored log."""

from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b

from gtm_platform.sandbox.world.agenda import DAY

_WEEKEND = 0.3

QuietSpell = tuple[date, date]  # the first day without use, and the first day with use again


class Usage:
    """When a person is seen in the product: each phase is a first day and a likelihood per weekday.

    A new phase never concerns the present day. In a quiet spell, a first day and the day on which it is over, nothing
    is used; whoever uses the product at all then does so on the day before it and on the day after it.
    """

    __slots__ = ("key", "phases", "spell")

    def __init__(self, key: str, since: date, rate: float, spell: QuietSpell | None = None) -> None:
        self.key = key
        self.phases: list[tuple[date, float]] = [(since, rate)]
        self.spell = spell

    def change(self, at: datetime, rate: float) -> None:
        self.phases.append((at.date() + DAY, rate))

    def seen(self, day: date, rate: float) -> datetime | None:
        if self.spell and self.spell[0] <= day < self.spell[1]:
            return None
        roll = int.from_bytes(blake2b(f"{self.key}:{day.toordinal()}".encode(), digest_size=8).digest(), "big")
        if day.weekday() >= 5:
            rate *= _WEEKEND
        if self.spell and day in (self.spell[0] - DAY, self.spell[1]):
            rate = 1.0
        if (roll >> 32) >= rate * 2**32:
            return None
        return datetime.combine(day, time(), UTC) + timedelta(seconds=(roll & 0xFFFFFFFF) * 86400 >> 32)

    def rate(self, day: date) -> float:
        """How likely a sight is on a weekday around this day."""
        return next((rate for since, rate in reversed(self.phases) if since <= day), 0.0)

    def sight(self, day: date) -> datetime | None:
        """The sight of a day, if there is one."""
        rate = self.rate(day)
        return self.seen(day, rate) if rate else None

    def latest(self, before: datetime, after: datetime) -> datetime | None:
        """The last sight before one instant and after another."""
        last, end = before.date(), after.date()
        for since, rate in reversed(self.phases):
            since = max(since, end)
            while rate and last >= since:
                sight = self.seen(last, rate)
                if sight and after < sight < before:
                    return sight
                last -= DAY
            last = min(last, since - DAY)
        return None

    def next(self, after: datetime, days: int) -> datetime | None:
        """The first sight after an instant, looking no further ahead than some days."""
        for ahead in range(days + 1):
            day = after.date() + timedelta(days=ahead)
            sight = self.sight(day)
            if sight and sight > after:
                return sight
        return None
