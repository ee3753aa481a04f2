"""Lists newest first, and pages of them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Generic, Protocol, TypeVar

from gtm_platform.sandbox.stripe.errors import missing
from gtm_platform.sandbox.stripe.parameters import Span
from gtm_platform.sandbox.stripe.wire import seconds


class Created(Protocol):
    id: str
    created: datetime


R = TypeVar("R")
C = TypeVar("C", bound=Created)


@dataclass(frozen=True)
class Ordered(Generic[R]):
    rows: Sequence[R]
    places: Mapping[str, int]


def newest_first(records: Iterable[C]) -> Ordered[C]:
    rows = sorted(records, key=lambda record: (record.created, record.id), reverse=True)
    return Ordered(rows, {row.id: place for place, row in enumerate(rows)})


def grouped(records: Iterable[C], key: Callable[[C], str | None]) -> dict[str, list[C]]:
    """The records that have a key, by key, newest first."""
    groups: defaultdict[str, list[C]] = defaultdict(list)
    for record in newest_first(records).rows:
        found = key(record)
        if found is not None:
            groups[found].append(record)
    return dict(groups)


def created_within(ordered: Ordered[C], span: Span) -> range:
    """The places of what was created in the span."""
    first = bisect_left(ordered.rows, -span.stop + 1, key=lambda row: -seconds(row.created))
    last = bisect_left(ordered.rows, -span.start + 1, key=lambda row: -seconds(row.created))
    return range(first, last)


@dataclass(frozen=True)
class Asked:
    """Which page: after one object, before one, or the first."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None


def page(
    ordered: Ordered[R], asked: Asked, noun: str, within: range, keep: Callable[[R], bool] = lambda _: True
) -> tuple[list[R], bool]:
    """The rows of the page, and whether more follow in the direction asked for."""
    if asked.ending_before is not None:
        place = _place(ordered, asked.ending_before, noun, "ending_before")
        places = range(min(place, within.stop) - 1, within.start - 1, -1)
    elif asked.starting_after is not None:
        place = _place(ordered, asked.starting_after, noun, "starting_after")
        places = range(max(place + 1, within.start), within.stop)
    else:
        places = within
    kept = (ordered.rows[place] for place in places if keep(ordered.rows[place]))
    found = list(islice(kept, asked.limit + 1))
    shown = found[: asked.limit]
    return (shown[::-1] if asked.ending_before is not None else shown), len(found) > asked.limit


def _place(ordered: Ordered[R], cursor: str, noun: str, param: str) -> int:
    if cursor not in ordered.places:
        raise missing(noun, cursor, param=param, status=400)
    return ordered.places[cursor]
