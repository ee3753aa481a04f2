"""What a system counts and the table lacks is noticed, named and fetched again; and nothing else is noticed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import pytest

from gtm_platform.ingest.completeness import Completeness, windows_to_compare
from gtm_platform.ingest.source import BEGINNING, Stream, Window
from gtm_platform.ingest.stream_sync import StreamSync, SyncReport
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.delivery.world import served
from gtm_platform_tests.ingest.register import SOURCE, Register
from gtm_platform_tests.ingest.syncing import RULES, Clock, Syncing

START = datetime(2026, 3, 1, tzinfo=UTC)
DELAY = timedelta(minutes=20)  # after the end of a window it is synced
TIMED = ("members", "log")


def day(number: int, hours: float = 0) -> datetime:
    return START + timedelta(days=number, hours=hours)


class Room:
    """A register, the lake into which it is synced, and what was said of each sync."""

    def __init__(self, lake: Lake, client: httpx.Client, register: Register) -> None:
        self.lake, self.client, self.register = lake, client, register
        self.syncing = Syncing(lake, SOURCE, register.clock)

    def sync(self, number: int, stream: str = "members", *, full_refresh: bool = False) -> SyncReport:
        """Sync the window of a day soon after it has closed."""
        self.register.clock.now = day(number + 1) + DELAY
        chosen = next(each for each in SOURCE.streams if each.name == stream)
        sync = StreamSync(self.lake, SOURCE, chosen, RULES, self.register.clock.now, "run", full_refresh)
        return sync.report(self.client, [self.syncing.slot(day(number))])

    def completeness(self, number: int, stream: str = "members", *, full_refresh: bool = False) -> Completeness:
        completeness = self.sync(number, stream, full_refresh=full_refresh).completeness
        assert completeness is not None
        return completeness

    def ids(self, stream: str = "members") -> list[str]:
        return self.syncing.current_keys(stream, day(10_000))


@pytest.fixture
def register() -> Register:
    register = Register(Clock(START))
    register.add(25, day(-40))
    return register


@pytest.fixture
def room(lake: Lake, register: Register) -> Iterator[Room]:
    with served(register) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        yield Room(lake, client, register)


@pytest.mark.parametrize("stream", ["members", "log", "list"])
def test_a_clean_sync_says_that_it_is_complete_and_as_of_when(room: Room, stream: str) -> None:
    assert room.completeness(0, stream).complete
    room.register.add(3, day(1, 5))
    completeness = room.completeness(1, stream)
    assert completeness == Completeness(day(2), 28)
    assert str(completeness) == "Complete as of 2026-03-03 00:00 UTC: the system counts 28 records."


@pytest.mark.parametrize("stream", ["members", "log", "list"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_record_that_is_left_out_once_is_fetched_again_at_once(room: Room, stream: str, number: int) -> None:
    if number:
        room.sync(0, stream)
    room.register.add(3, day(number, 5))
    missing = sorted(room.register.members)[-2]
    room.register.hidden[missing] = 1
    completeness = room.completeness(number, stream)
    assert completeness.complete
    assert completeness.refetched == 1
    assert missing in room.ids(stream)


@pytest.mark.parametrize("stream", ["members", "log", "list"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_list_that_ends_too_early_is_fetched_again(room: Room, stream: str, number: int) -> None:
    if number:
        room.sync(0, stream)
    room.register.add(7, day(number, 5))
    room.register.cuts = 1
    completeness = room.completeness(number, stream)
    assert completeness.complete
    assert completeness.refetched >= 4
    assert room.ids(stream) == sorted(room.register.members)


@pytest.mark.faults("P6")
@pytest.mark.parametrize("stream", TIMED)
def test_a_record_that_shows_late_with_an_old_time_is_fetched_with_the_next_sync(room: Room, stream: str) -> None:
    room.sync(0, stream)
    room.register.add(1, day(1, 5))
    late = max(room.register.members)
    room.register.delayed[late] = day(3)
    assert room.completeness(1, stream).complete  # neither listed nor counted
    assert late not in room.ids(stream)
    completeness = room.completeness(2, stream)  # and no lookback reaches it
    assert (completeness.complete, completeness.refetched) == (True, 1)
    assert late in room.ids(stream)


def test_a_change_that_was_missed_is_noticed_and_not_only_a_record(room: Room) -> None:
    room.sync(0)
    changed = min(room.register.members)
    room.register.members[changed] = day(1, 7)
    room.register.hidden[changed] = 1
    assert room.completeness(1).refetched == 1
    assert room.syncing.rows("members", day(1), "id", "changed_at") == [(changed, day(1, 7))]


def test_what_stays_missing_is_named_by_its_slice_and_fetched_once_it_shows(room: Room) -> None:
    room.register.add(200, day(-20))
    room.register.add(1, day(-3, 6))
    missing = max(room.register.members)
    room.register.hidden[missing] = 1_000
    completeness = room.completeness(0)
    assert not completeness.complete
    (shortage,) = completeness.shortages
    assert shortage.missing == 1
    assert shortage.total.start <= day(-3, 6) < shortage.total.end
    assert shortage.total.records <= 100
    assert str(completeness).startswith(f"Lacks 1 of {shortage.total.records} records that last changed ")
    room.register.hidden.clear()
    assert room.completeness(1).refetched == 1
    assert missing in room.ids()


def test_a_record_in_quarantine_is_not_missing(room: Room) -> None:
    room.register.members[" "] = day(-3)  # an id that is none
    report = room.sync(0)
    assert report.windows[-1].quarantined == 1
    assert report.completeness is not None
    assert report.completeness.complete


def test_a_system_that_does_not_let_us_count_is_no_failed_sync(room: Room) -> None:
    room.register.counting = False
    report = room.sync(0)
    assert report.windows[-1].rows == 25
    assert report.completeness is not None
    assert not report.completeness.complete
    assert str(report.completeness) == ("Not compared with the system's own totals: Register does not let us count.")


def test_a_stream_without_totals_is_not_compared(room: Room) -> None:
    plain = Stream("members", SOURCE.streams[0].record, SOURCE.streams[0].pages, cursor_field="changed_at")
    sync = StreamSync(room.lake, SOURCE, plain, RULES, day(1) + DELAY, "run")
    assert sync.report(room.client, [room.syncing.slot(day(0))]).completeness is None


def test_all_before_what_was_read_is_compared_too() -> None:
    assert windows_to_compare(Window(day(0), day(1)), day(1)) == [Window(BEGINNING, day(0)), Window(day(0), day(1))]
    assert windows_to_compare(Window(BEGINNING, day(1), full=True), day(1)) == [Window(BEGINNING, day(1))]


@pytest.mark.faults("P3")
@pytest.mark.parametrize("syncs", [50, pytest.param(1_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("stream", ["members", "log"])
def test_clean_syncs_raise_nothing_whatever_changes_meanwhile(room: Room, stream: str, syncs: int) -> None:
    """Records are created, changed and deleted between the syncs, and with each call of a sync."""
    room.register.random = random = Random(syncs)
    for number in range(syncs):
        for _ in range(random.randrange(4)):
            room.register.change(day(number, 24 * random.random()))
        completeness = room.completeness(number, stream)
        assert (completeness.shortages, completeness.unknown, completeness.refetched) == ((), "", 0)
        assert completeness.as_of == day(number + 1)
    room.register.random = None
    room.sync(syncs, stream, full_refresh=True)
    left = set(room.register.members)
    assert left <= set(room.ids(stream))
    assert stream == "log" or left == set(room.ids(stream))
