"""What is made of a store's records once, and made again only when records come or go, or the clock moves."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Generic, Protocol, TypeVar


class Record(Protocol):
    """Changed in place, never replaced; its id never changes."""

    id: str


R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
T = TypeVar("T")


class Records(Protocol[R_co]):
    """The records of a store in the order in which they came."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[R_co]: ...
    def __reversed__(self) -> Iterator[R_co]: ...


class Cached(Generic[R, T]):
    """A value made from records, and made anew only once records come or go.

    It may depend only on what never changes in them, such as their creation.
    """

    def __init__(self, records: Callable[[], Records[R]], make: Callable[[Iterable[R]], T]) -> None:
        self._records = records
        self._make = make
        self._stamp: tuple[object, ...] = ()
        self._value: T

    def __call__(self) -> T:
        records = self._records()
        ends = (next(iter(records), None), next(reversed(records), None))
        stamp = (len(records), *(record.id for record in ends if record is not None))
        if stamp != self._stamp:
            self._value = self._make(records)
            self._stamp = stamp
        return self._value


class AsOfNow(Generic[T]):
    """A value made as of the clock's time, and made anew only once the clock has moved."""

    def __init__(self, clock: Callable[[], datetime], make: Callable[[datetime], T]) -> None:
        self._clock = clock
        self._make = make
        self._now: datetime | None = None
        self._value: T

    def __call__(self) -> T:
        if (now := self._clock()) != self._now:
            self._value, self._now = self._make(now), now
        return self._value
