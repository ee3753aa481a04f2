"""How long a source's first sync takes: what the system counts, by what a page of it costs.

Of each stream its first page is read. Where that is less than the total, a page of the last days is read, too: a stream
that comes day by day begins with days on which hardly anybody was there. What ends with its first page is counted by
that, and of what else the system does not count it is known how fast it comes. The limit on calls is that of the
documentation, by the share of it that is used; where a page is slower than the limit, the page decides. A system that
takes its time is not asked for long: what it was not asked about counts as not counted.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.rate_limit import LimitShare
from gtm_platform.ingest.completeness import whole_total
from gtm_platform.ingest.source import BEGINNING, Source, Stream, Totals, Window

RECENT = timedelta(days=3)  # whose page is as full as most of those that are read
CLEARLY = 2  # times as full: a list and a search have pages of other sizes, too
MINUTE = 60
PATIENCE = 30.0  # seconds, after which no further stream of a source is asked about
Clock = Callable[[], float]


@dataclass(frozen=True)
class StreamEstimate:
    """How many records a stream has, None where nobody knows; at least how many; and how they come."""

    name: str
    records: int | None
    page: int = 0
    calls_a_page: float = 1.0
    seconds_a_page: float = 0.0
    at_least: int = 0

    @property
    def pages(self) -> float:
        """How many pages it takes."""
        return (self.records or 0) / self.page if self.page else 0.0

    def a_minute(self, calls_a_second: float | None) -> float | None:
        """How many records come in a minute; None where no page was read."""
        seconds = max(self.seconds_a_page, self.calls_a_page / calls_a_second if calls_a_second else 0.0)
        return MINUTE * self.page / seconds if self.page and seconds else None


@dataclass(frozen=True)
class SourceEstimate:
    """The first sync of a source: known of what the system counts, and of what is short."""

    source: str
    streams: Sequence[StreamEstimate]
    calls_a_second: float | None

    @property
    def records(self) -> int:
        """How many records there are at least."""
        return sum(max(stream.records or 0, stream.at_least) for stream in self.streams)

    @property
    def uncounted(self) -> dict[str, float | None]:
        """The streams of which nobody knows how many records they have, and how many come in a minute."""
        return {each.name: each.a_minute(self.calls_a_second) for each in self.streams if each.records is None}

    @property
    def seconds(self) -> float:
        """How long what is known takes: streams come side by side, and share the limit on calls."""
        slowest = max((stream.pages * stream.seconds_a_page for stream in self.streams), default=0.0)
        return max(slowest, self.seconds_at_limit)

    @property
    def seconds_at_limit(self) -> float:
        """How long the limit on calls makes it last, however quick the pages are."""
        calls = sum(stream.pages * stream.calls_a_page for stream in self.streams)
        return calls / self.calls_a_second if self.calls_a_second else 0.0


def estimate(
    source: Source, client: Any, share: LimitShare, now: datetime, clock: Clock = time.perf_counter
) -> SourceEstimate:
    """Ask for the totals of a source's streams and read a page or two of each."""
    readable = [source.stream_for(client, stream) for stream in source.streams]
    sampling = Sampling(client, share, now, clock, clock() + PATIENCE)
    streams = [sampling.of(stream) for stream in readable if isinstance(stream, Stream)]
    rates = [limiter.rate for limiter in share.limiters]
    return SourceEstimate(source.name, streams, min(rates, default=None))


@dataclass(frozen=True)
class Sampling:
    """What a few pages of a source's streams are made of, and cost."""

    client: Any
    share: LimitShare
    now: datetime
    clock: Clock
    until: float

    def of(self, stream: Stream) -> StreamEstimate:
        """Estimate a stream; nothing is known of one that does not answer now, or for which no time is left."""
        if self.clock() >= self.until:
            return StreamEstimate(stream.name, None)
        whole = Window(BEGINNING, self.now, full=True)
        total = whole_total(stream.totals, self.client, whole) if isinstance(stream.totals, Totals) else None
        counted = total if isinstance(total, int) else None
        if counted is None and stream.probe:  # a page of it is dear
            return StreamEstimate(stream.name, None)
        try:
            return self._counted(stream, whole, counted) if counted is not None else self._read(stream, whole)
        except ApiFailure:
            return StreamEstimate(stream.name, counted)

    def _counted(self, stream: Stream, whole: Window, total: int) -> StreamEstimate:
        first = self._pages(stream, whole, 1)
        if first.page < total and stream.sync_mode != "full_refresh":
            recent = self._pages(stream, Window(self.now - RECENT, self.now), 1)
            first = recent if recent.page > CLEARLY * first.page else first
        return replace(first, records=total)

    def _read(self, stream: Stream, whole: Window) -> StreamEstimate:
        """Look for a second page; what has none is counted by its first."""
        return self._pages(stream, whole, 2)

    def _pages(self, stream: Stream, window: Window, most: int) -> StreamEstimate:
        """Read so many pages, and see whether there are more."""
        began, called = self.clock(), self.share.calls
        pages = stream.pages(self.client, window)
        sizes = [len(page) for page in islice(pages, most)]
        calls, seconds, count = self.share.calls - called, self.clock() - began, max(1, len(sizes))
        close = getattr(pages, "close", None)
        if close:
            close()
        at_least, largest = sum(sizes), max(sizes, default=0)
        ended = at_least if len(sizes) < most else None
        return StreamEstimate(stream.name, ended, largest, max(1.0, calls / count), seconds / count, at_least)
