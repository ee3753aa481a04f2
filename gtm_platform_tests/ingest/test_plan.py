"""What to ask for: pure, from the windows, the files that are held, the clock and the rules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.ingest.plan import (
    BEFORE_FIRST_SYNC,
    NOT_NEWEST,
    PartitionWindow,
    Plan,
    covered_windows,
    is_synced_by,
    plan_request,
)
from gtm_platform.ingest.record import Id, Instant, Record, at
from gtm_platform.ingest.source import BEGINNING, Stream, Window
from gtm_platform.lake.lake import File
from gtm_platform_tests.ingest.syncing import RULES

START = datetime(2026, 3, 1, tzinfo=UTC)
LOOKBACK = timedelta(minutes=15)


class Row(Record):
    id: Id = at("id", default=...)
    changed_at: Instant = at("changed_at", default=...)


def stream(mode: Any) -> Stream:
    return Stream("rows", Row, lambda *_: iter(()), sync_mode=mode, cursor_field="changed_at")


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def windows(*numbers: int) -> list[PartitionWindow]:
    return [PartitionWindow(f"{day(number):%Y-%m-%d}", day(number), day(number + 1)) for number in numbers]


def files(**days: str) -> list[File]:
    """`d0="full"`: the file of day 0 is of a full refresh."""
    return [
        File(f"{day(int(name[1:])):%Y-%m-%d}", f"{number:024d}", kind == "full", Path())
        for number, (name, kind) in enumerate(days.items())
    ]


def plan(
    mode: str, *numbers: int, stored: list[File] | None = None, late: float = 0.01, full_refresh: bool = False
) -> Plan:
    now = day(numbers[-1] + 1) + timedelta(days=late)
    return plan_request(stream(mode), windows(*numbers), stored or [], now, RULES, full_refresh)


def whole(number: int) -> Window:
    return Window(BEGINNING, day(number + 1), full=True)


class TestIncremental:
    def test_is_whole_at_first(self) -> None:
        assert plan("incremental", 0) == Plan(whole(0), "2026-03-01")

    def test_then_asks_from_where_the_last_window_ended_a_little_earlier(self) -> None:
        assert plan("incremental", 1, stored=files(d0="full")) == Plan(Window(day(1) - LOOKBACK, day(2)))

    def test_asks_for_the_windows_that_were_missed_too(self) -> None:
        assert plan("incremental", 4, stored=files(d0="full", d1="part")) == Plan(Window(day(2) - LOOKBACK, day(5)))

    @pytest.mark.parametrize(("number", "full"), [(6, False), (7, True), (9, True)])
    def test_is_whole_again_when_the_rules_say_so(self, number: int, full: bool) -> None:
        request = plan("incremental", number, stored=files(d0="full", d1="part")).request
        assert request is not None
        assert request.full is full

    def test_the_window_of_a_full_refresh_is_whole_when_run_again(self) -> None:
        assert plan("incremental", 1, stored=files(d0="part", d1="full")) == Plan(whole(1), "2026-03-02")

    def test_a_past_window_is_never_whole(self) -> None:
        assert plan("incremental", 8, stored=files(d0="full"), late=2).request == Window(day(1) - LOOKBACK, day(9))

    def test_the_first_window_may_be_read_again_once_it_is_past(self) -> None:
        assert plan("incremental", 0, stored=files(d0="full"), late=5) == Plan(Window(day(0) - LOOKBACK, day(1)))

    def test_before_the_first_sync_nothing_can_be_asked(self) -> None:
        assert plan("incremental", 0, late=5) == Plan(None, reason=BEFORE_FIRST_SYNC)
        assert plan("incremental", 0, stored=files(d3="full"), late=5) == Plan(None, reason=BEFORE_FIRST_SYNC)


class TestAppendOnly:
    def test_brings_its_whole_past_whenever_its_first_window_is_read(self) -> None:
        assert plan("append_only", 2, 3, late=9) == Plan(whole(3), "2026-03-03")

    def test_and_never_again(self) -> None:
        assert plan("append_only", 20, stored=files(d0="full")) == Plan(Window(day(1) - LOOKBACK, day(21)))


class TestFullRefresh:
    def test_is_of_the_newest_window(self) -> None:
        assert plan("full_refresh", 0, 1, 2) == Plan(whole(2), "2026-03-03")

    def test_of_a_past_window_cannot_be_had(self) -> None:
        assert plan("full_refresh", 0, late=5).request is None


class TestAskedForByAPerson:
    def test_an_incremental_stream_is_taken_whole(self) -> None:
        stored = files(d0="full")
        assert plan("incremental", 1, stored=stored, full_refresh=True) == Plan(whole(1), "2026-03-02")

    def test_an_append_only_one_keeps_what_the_system_no_longer_has(self) -> None:
        assert plan("append_only", 1, stored=files(d0="full"), full_refresh=True) == Plan(whole(1), snapshot=None)

    @pytest.mark.parametrize("mode", ["incremental", "append_only", "full_refresh"])
    def test_a_past_window_cannot_be_taken_whole(self, mode: str) -> None:
        stored = files(d0="full")
        assert plan(mode, 1, stored=stored, late=5, full_refresh=True) == Plan(None, reason=NOT_NEWEST)


def test_a_stream_is_synced_from_the_window_of_its_first_full_refresh_on() -> None:
    (first, second) = windows(0, 1)
    assert not is_synced_by(files(d1="full"), first)
    assert is_synced_by(files(d1="full"), second)
    assert not is_synced_by(files(d0="part"), second)


@pytest.mark.parametrize(
    ("stored", "chosen", "covered"),
    [
        (files(d0="full"), (1,), []),
        (files(d0="full"), (4,), [1, 2, 3]),
        (files(d0="full", d2="part"), (4,), [3]),
        (files(d0="full", d5="part"), (4,), [1, 2, 3]),
        ([], (4,), []),
    ],
)
def test_the_windows_that_were_missed_are_covered(
    stored: list[File], chosen: tuple[int, ...], covered: list[int]
) -> None:
    keys = [window.key for window in windows(*range(9))]
    assert covered_windows(stored, windows(*chosen), keys) == [window.key for window in windows(*covered)]
