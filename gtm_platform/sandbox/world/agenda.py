"""What is still to come, in order of time. Every life schedules its own happenings; lives never look at each other's,
so what has happened by an instant does not depend on the steps in which the clock got there.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from heapq import heappop, heappush
from typing import Any

ScheduledCall = tuple[datetime, int, int, Callable[..., None], tuple[Any, ...]]

DAY = timedelta(days=1)


class Agenda:
    """The events of one life; each call gets its instant first, and ties go in order of scheduling."""

    __slots__ = ("_scheduled", "number", "queue")

    def __init__(self, number: int, queue: list[ScheduledCall]) -> None:
        self.number = number
        self.queue = queue
        self._scheduled = 0

    def at(self, when: datetime, do: Callable[..., None], *args: Any) -> None:
        heappush(self.queue, (when, self.number, self._scheduled, do, args))
        self._scheduled += 1


def run_until(queue: list[ScheduledCall], until: datetime) -> None:
    """Lets everything happen whose time has come, including what that brings about."""
    while queue and queue[0][0] <= until:
        at, _, _, do, args = heappop(queue)
        do(at, *args)


def share(key: str) -> float:
    """A number in [0, 1) that belongs to the key for ever."""
    return int.from_bytes(blake2b(key.encode(), digest_size=7).digest(), "big") / 2**56


def months_after(instant: datetime, months: int) -> datetime:
    """The same day of a later month, or that month's last day where it has no such day."""
    year, month = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    return instant.replace(year=year, month=month + 1, day=min(instant.day, monthrange(year, month + 1)[1]))


def in_utc(instant: datetime, what: str) -> datetime:
    """The instant in UTC; a ValueError that begins with `what` if it has no time zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{what} {instant.isoformat()} has no time zone: write it as 2026-03-01T00:00:00Z.")
    return instant.astimezone(UTC)
