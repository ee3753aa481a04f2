"""Values with the instants from which on they held. Stores keep one where an answer depends on the past."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")
Timeline = list[tuple[datetime, T]]


def note(timeline: Timeline[T], at: datetime, value: T) -> None:
    """Add a value if it differs from the one before."""
    if not timeline or timeline[-1][1] != value:
        timeline.append((at, value))


def as_of(timeline: Sequence[tuple[datetime, T]], before: datetime) -> T | None:
    """The value that held just before an instant."""
    place = bisect_left(timeline, before, key=lambda entry: entry[0])
    return timeline[place - 1][1] if place else None
