"""Whether a table has all that its system has: the system's own totals, compared with the rows as of the same instant.

A stream declares how its system is asked for a total (`source.Totals`). Totals are of records by when they last
changed, up to the end T of the window that was just synced. So what is created, changed or deleted after T only makes
the system's figure smaller, and only a figure larger than the table's is a shortage. Its slice of time is narrowed by
halves, and fetched again by `stream_sync`; here is only what is compared and what is said of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.http.errors import ApiFailure
from gtm_platform.ingest.source import BEGINNING, SliceTotal, Totals, Window

SMALL = 100  # records: a slice of so few is fetched again as it is
SHORTEST = timedelta(minutes=1)
MAX_COUNTS = 60  # calls to narrow shortages with; what is left then is fetched again in larger slices
SLICES_NAMED = 10

RowsIn = Callable[[datetime, datetime], int]  # how many rows last changed from an instant on and before another


@dataclass(frozen=True)
class Shortage:
    """A slice of time in which the system has more records than the table."""

    total: SliceTotal
    rows: int

    @property
    def missing(self) -> int:
        """How many records the table lacks, at least."""
        return self.total.records - self.rows

    @property
    def window(self) -> Window:
        """The window to fetch again."""
        return Window(self.total.start, self.total.end)

    def row(self) -> dict[str, str | int]:
        """Return it as a row for people."""
        total = self.total
        return {
            "from": _instant(total.start),
            "until": _instant(total.end),
            "counted": total.records,
            "rows": self.rows,
        }

    def __str__(self) -> str:
        span = f"before {_instant(self.total.end)}"
        if self.total.start > BEGINNING:
            span = f"from {_instant(self.total.start)} to {_instant(self.total.end)}"
        return f"{self.missing} of {self.total.records} records that last changed {span} UTC"


@dataclass(frozen=True)
class Completeness:
    """The outcome of a comparison: complete as of an instant, slices that lack records, or unknown."""

    as_of: datetime | None = None
    records: int = 0  # that the system counts
    shortages: tuple[Shortage, ...] = ()
    refetched: int = 0  # records that were lacking at first and came when their slices were fetched again
    unknown: str = ""  # why nothing could be compared

    @property
    def complete(self) -> bool:
        """Whether the table is shown to lack nothing."""
        return not self.shortages and not self.unknown

    def __str__(self) -> str:
        if self.unknown:
            return f"Not compared with the system's own totals: {self.unknown}"
        again = f" {self.refetched} were lacking at first, and were fetched again." if self.refetched else ""
        if self.as_of is None:
            return "Nothing was compared: the system has no total of it yet."
        if not self.shortages:
            return f"Complete as of {_instant(self.as_of)} UTC: the system counts {self.records:,} records.{again}"
        named = "; ".join(map(str, self.shortages[:SLICES_NAMED]))
        unnamed = len(self.shortages) - SLICES_NAMED
        more = f"; and {unnamed} further slices" if unnamed > 0 else ""
        return f"Lacks {named}{more}. The next sync fetches them again.{again}"


@dataclass
class Comparison:
    """The system's totals beside the rows of the table, for one sync.

    `excused` records may be missing, because they are in the quarantine: the system counts them, too.
    """

    totals: Totals
    client: Any
    rows_in: RowsIn
    excused: int = 0
    _counts: int = field(init=False, default=0)

    def compare(self, windows: Sequence[Window]) -> Completeness:
        """Compare some windows, which do not overlap, and narrow what lacks records."""
        try:
            totals = [total for window in windows if (total := self._total(window))]
            compared = [Shortage(total, self.rows_in(total.start, total.end)) for total in totals]
            short = [each for each in compared if each.missing > 0]
            if sum(each.missing for each in short) > self.excused:
                short = list(_joined([part for each in short for part in self._narrowed(each)]))
            else:
                short = []
        except ApiFailure as failure:
            return Completeness(unknown=str(failure))
        as_of = max((total.end for total in totals), default=None)
        return Completeness(as_of, sum(total.records for total in totals), tuple(short))

    def _total(self, window: Window) -> SliceTotal | None:
        self._counts += 1
        total = self.totals.count(self.client, window)
        return total if total and total.start < total.end else None

    def _narrowed(self, shortage: Shortage) -> Iterator[Shortage]:
        """The parts of a slice that lack records; the slice itself where none of them does on its own."""
        total = shortage.total
        if total.records <= SMALL or total.end - total.start <= 2 * SHORTEST or self._counts >= MAX_COUNTS:
            yield shortage
            return
        middle = (total.start + (total.end - total.start) / 2).replace(second=0, microsecond=0)
        halves = [self._total(Window(total.start, middle)), self._total(Window(middle, total.end))]
        parts = [Shortage(half, self.rows_in(half.start, half.end)) for half in halves if half]
        short = [part for part in parts if part.missing > 0]
        if not short or any(part.total == total for part in short):  # such as a day that can only be counted whole
            yield shortage
            return
        for part in short:
            yield from self._narrowed(part)


def whole_total(totals: Totals, client: Any, request: Window) -> int | ApiFailure | None:
    """Return how many records the system has in all; the failure where it does not say."""
    try:
        total = totals.count(client, request)
    except ApiFailure as failure:
        return failure
    return total.records if total else None


def compare_whole(
    before: int | ApiFailure | None, after: int | ApiFailure | None, rows: int, end: datetime
) -> Completeness:
    """Compare what a list brought with the smaller of its totals before and after."""
    for failure in (before, after):
        if isinstance(failure, ApiFailure):
            return Completeness(unknown=str(failure))
    if not isinstance(before, int) or not isinstance(after, int):
        return Completeness()
    total = SliceTotal(BEGINNING, end, min(before, after))
    short = (Shortage(total, rows),) if rows < total.records else ()
    return Completeness(end, total.records, short)


def after_refetch(first: Completeness, second: Completeness) -> Completeness:
    """Return what is lacking once slices were fetched again, and how much came."""
    missing, still = (sum(each.missing for each in those.shortages) for those in (first, second))
    return replace(second, refetched=max(0, missing - still))


def windows_to_compare(request: Window, end: datetime) -> list[Window]:
    """Return what was just asked for, and all before it: records may be lost in both."""
    start = BEGINNING if request.full else max(request.start, BEGINNING)
    windows = [Window(BEGINNING, min(start, end)), Window(start, end)]
    return [window for window in windows if window.start < window.end]


def _joined(shortages: Sequence[Shortage]) -> Iterator[Shortage]:
    """Adjacent slices as one."""
    waiting: Shortage | None = None
    for each in sorted(shortages, key=lambda shortage: shortage.total.start):
        if waiting and waiting.total.end == each.total.start:
            total = SliceTotal(waiting.total.start, each.total.end, waiting.total.records + each.total.records)
            waiting = Shortage(total, waiting.rows + each.rows)
        else:
            if waiting:
                yield waiting
            waiting = each
    if waiting:
        yield waiting


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
