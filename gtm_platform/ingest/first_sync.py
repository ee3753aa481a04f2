"""How long a source's first sync takes: what the system counts, by what a page of it costs.

Of each stream that the system gives a total of, its first page is read, once. The limit on calls is that of the
documentation, by the share of it that is used; where a page is slower than the limit, the page decides.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.rate_limit import LimitShare
from gtm_platform.ingest.completeness import whole_total
from gtm_platform.ingest.source import BEGINNING, Source, Stream, Totals, Window


@dataclass(frozen=True)
class StreamEstimate:
    """How many records a stream has, and how they come; None where nobody knows."""

    name: str
    records: int | None
    page: int = 0
    calls_a_page: float = 1.0
    seconds_a_page: float = 0.0

    @property
    def pages(self) -> float:
        """How many pages it takes."""
        return (self.records or 0) / self.page if self.page else 0.0


@dataclass(frozen=True)
class SourceEstimate:
    """The first sync of a source, of whose streams those are known that the system counts."""

    source: str
    streams: Sequence[StreamEstimate]
    calls_a_second: float | None

    @property
    def records(self) -> int:
        """How many records there are, as far as that is known."""
        return sum(stream.records or 0 for stream in self.streams)

    @property
    def uncounted(self) -> list[str]:
        """The streams of which the system gives no total."""
        return [stream.name for stream in self.streams if stream.records is None]

    @property
    def seconds(self) -> float:
        """How long it takes: streams come side by side, and share the limit on calls."""
        slowest = max((stream.pages * stream.seconds_a_page for stream in self.streams), default=0.0)
        calls = sum(stream.pages * stream.calls_a_page for stream in self.streams)
        return max(slowest, calls / self.calls_a_second if self.calls_a_second else 0.0)


def estimate(
    source: Source, client: Any, share: LimitShare, now: datetime, clock: Callable[[], float] = time.perf_counter
) -> SourceEstimate:
    """Ask for the totals of a source's streams and read a page of each."""
    readable = [source.stream_for(client, stream) for stream in source.streams]
    streams = [_stream(stream, client, share, now, clock) for stream in readable if isinstance(stream, Stream)]
    rates = [limiter.rate for limiter in share.limiters]
    return SourceEstimate(source.name, streams, min(rates, default=None))


def _stream(
    stream: Stream, client: Any, share: LimitShare, now: datetime, clock: Callable[[], float]
) -> StreamEstimate:
    whole = Window(BEGINNING, now, full=True)
    total = whole_total(stream.totals, client, whole) if isinstance(stream.totals, Totals) else None
    if not isinstance(total, int):
        return StreamEstimate(stream.name, None)
    began, called = clock(), share.calls
    pages = stream.pages(client, whole)
    try:
        first = next(pages, [])
    except ApiFailure:
        return StreamEstimate(stream.name, total)
    finally:
        close = getattr(pages, "close", None)
        if close:
            close()
    return StreamEstimate(stream.name, total, len(first), max(1.0, share.calls - called), clock() - began)
