"""How long a first sync takes, by what the system counts and what a page costs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import Field

from gtm_platform.http.errors import Forbidden
from gtm_platform.http.pages import Page
from gtm_platform.http.rate_limit import LimitShare, RateLimiter
from gtm_platform.ingest.first_sync import SourceEstimate, StreamEstimate, estimate
from gtm_platform.ingest.record import Record
from gtm_platform.ingest.source import BEGINNING, SliceTotal, Stream, Totals, Window

NOW = datetime(2026, 3, 10, tzinfo=UTC)


class Thing(Record):
    """A record."""

    at: Annotated[datetime, Field(description="When it was.")]


@dataclass
class Account:
    """A system of some records, whose pages take some calls and seconds; it plays the source, too."""

    records: int
    page: int = 100
    calls_a_page: int = 1
    seconds_a_page: float = 0.0
    counts: bool = True
    refuses: bool = False
    by_day: bool = False  # it comes day by day, and on the first day there was one
    probe: Callable[[Any], object] | None = None
    name: str = "made_up"
    clock: float = 0.0
    share: LimitShare = field(default_factory=LimitShare)
    pages_read: int = 0
    several: list[Stream] = field(default_factory=list)

    @property
    def streams(self) -> list[Stream]:
        return self.several or [self._stream()]

    def _stream(self) -> Stream:
        totals = Totals(lambda _, window: SliceTotal(window.start, window.end, self.records), "it is asked")
        counted = totals if self.counts else "it gives none"
        if self.by_day:
            return Stream("things", Thing, self.days, sync_mode="append_only", cursor_field="at", totals=counted)
        return Stream("things", Thing, self.pages, sync_mode="full_refresh", totals=counted, probe=self.probe)

    def stream_for(self, _client: Any, stream: Stream) -> Stream:
        return stream

    def pages(self, _client: Any, window: Window) -> Iterator[Page]:
        assert window.start == BEGINNING
        assert window.full
        for start in range(0, self.records, self.page):
            if self.refuses:
                raise Forbidden("made_up", "It may not be read.")
            self.pages_read += 1
            self.clock += self.seconds_a_page
            for _ in range(self.calls_a_page):
                self.share.count_call()
            yield [b"{}"] * min(self.page, self.records - start)

    def days(self, _client: Any, window: Window) -> Iterator[Page]:
        for size in (1, 2, self.page) if window.full else (self.page,):
            self.pages_read += 1
            self.clock += self.seconds_a_page
            yield [b"{}"] * size

    def estimated(self, rate: float | None = None) -> SourceEstimate:
        if rate:
            self.share.limiters.append(RateLimiter(rate, 10))
        return estimate(self, None, self.share, NOW, lambda: self.clock)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("account", "rate", "seconds"),
    [
        (Account(50_000, seconds_a_page=0.2), None, 100),  # 500 pages of a fifth of a second
        (Account(50_000, seconds_a_page=0.2), 2, 250),  # two calls a second are slower than that
        (Account(50_000, seconds_a_page=0.2, calls_a_page=11), 10, 550),  # each page asks for details
        (Account(50_000), 15, 500 / 15),
        (Account(0), 10, 0),
    ],
)
def test_the_slower_of_pages_and_limit_decides(account: Account, rate: float | None, seconds: float) -> None:
    assert account.estimated(rate).seconds == pytest.approx(seconds)


def test_one_page_is_read_of_a_stream_however_long_it_is() -> None:
    account = Account(50_000)
    assert account.estimated(10).records == 50_000
    assert account.pages_read == 1


@pytest.mark.parametrize("account", [Account(500, counts=False), Account(500, refuses=True)])
def test_what_is_not_known_is_said(account: Account) -> None:
    estimated = account.estimated(10)
    assert estimated.seconds == 0
    assert estimated.uncounted == ({} if account.counts else {"things": 100 * 10 * 60})
    assert estimated.records == (500 if account.counts else 200), "of two pages that were read"


def test_what_ends_with_its_first_page_is_counted_by_that() -> None:
    estimated = Account(70, counts=False, seconds_a_page=0.5).estimated(10)
    assert (estimated.records, estimated.uncounted) == (70, {})
    assert Account(0, counts=False).estimated(10).uncounted == {}


def test_of_what_costs_much_to_read_and_is_not_counted_nothing_is_read() -> None:
    account = Account(500, counts=False, probe=lambda _: None)
    assert account.estimated(10).uncounted == {"things": None}
    assert not account.pages_read


def test_a_stream_that_comes_day_by_day_is_judged_by_its_last_days() -> None:
    account = Account(50_000, by_day=True, seconds_a_page=0.5)
    assert account.estimated().seconds == 250, "500 days as full as the last, not as many as people came on the first"
    assert account.pages_read == 2


def test_streams_come_side_by_side_and_share_the_limit() -> None:
    streams = [StreamEstimate("a", 10_000, 100, 1, 0.5), StreamEstimate("b", 20_000, 100, 1, 0.5)]
    assert SourceEstimate("x", streams, None).seconds == 100
    assert SourceEstimate("x", streams, 1.0).seconds == 300


def test_a_system_that_takes_its_time_is_not_asked_for_long() -> None:
    account = Account(records=5000, seconds_a_page=40.0)
    asked = account.streams
    account.several = [*asked, *asked]
    estimated = account.estimated()
    assert [stream.records for stream in estimated.streams] == [5000, None]
    assert account.pages_read == 1
    assert "things" in estimated.uncounted
