"""Lists newest first, and pages of them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Generic, Protocol, TypeVar

from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.stripe.errors import missing
from gtm_platform.sandbox.stripe.parameters import Parameters, Span, page_size, text


class Created(Protocol):
    """A record with an id and an instant of creation."""

    id: str
    created: datetime


R = TypeVar("R")
C = TypeVar("C", bound=Created)


@dataclass(frozen=True)
class Ordered(Generic[R]):
    """Records in the order of a list, and where each id stands in it."""

    rows: Sequence[R]
    positions: Mapping[str, int]


def newest_first(records: Iterable[C]) -> Ordered[C]:
    """The order of Stripe's lists."""
    rows = sorted(records, key=lambda record: (record.created, record.id), reverse=True)
    return Ordered(rows, {row.id: position for position, row in enumerate(rows)})


def grouped(records: Iterable[C], key: Callable[[C], str | None]) -> dict[str, list[C]]:
    """The records that have a key, by key, newest first."""
    groups: defaultdict[str, list[C]] = defaultdict(list)
    for record in newest_first(records).rows:
        group = key(record)
        if group is not None:
            groups[group].append(record)
    return dict(groups)


def created_within(ordered: Ordered[C], span: Span) -> range:
    """The positions of what was created in the span."""
    first = bisect_left(ordered.rows, -span.stop + 1, key=lambda row: -unix_seconds(row.created))
    last = bisect_left(ordered.rows, -span.start + 1, key=lambda row: -unix_seconds(row.created))
    return range(first, last)


@dataclass(frozen=True)
class PageRequest:
    """Which page: after one object, before one, or the first."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None


def page_request(parameters: Parameters) -> PageRequest:
    """The page that the parameters name."""
    names = ("starting_after", "ending_before")
    cursors = {name: text(parameters[name], name) for name in names if name in parameters}
    return PageRequest(page_size(parameters), **cursors)


def page(
    ordered: Ordered[R], request: PageRequest, noun: str, within: range, keep: Callable[[R], bool] = lambda _: True
) -> tuple[list[R], bool]:
    """The rows of the page, and whether more follow in the direction of the request."""
    if request.ending_before is not None:
        position = _position(ordered, request.ending_before, noun, "ending_before")
        positions = range(min(position, within.stop) - 1, within.start - 1, -1)
    elif request.starting_after is not None:
        position = _position(ordered, request.starting_after, noun, "starting_after")
        positions = range(max(position + 1, within.start), within.stop)
    else:
        positions = within
    matches = (ordered.rows[position] for position in positions if keep(ordered.rows[position]))
    rows = list(islice(matches, request.limit + 1))
    has_more, rows = len(rows) > request.limit, rows[: request.limit]
    return (rows[::-1] if request.ending_before is not None else rows), has_more


def _position(ordered: Ordered[R], cursor: str, noun: str, param: str) -> int:
    if cursor not in ordered.positions:
        raise missing(noun, cursor, param=param, status=400)
    return ordered.positions[cursor]
