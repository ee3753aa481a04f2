"""A window that is read before it is over: what it brings counts at once, and is never taken for the whole window."""

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gtm_platform.ingest.assets import closed_window, open_window, windows
from gtm_platform.ingest.plan import AHEAD, BEFORE_FIRST_SYNC, Plan, covered_windows, plan_request
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.lake.lake import File, Lake
from gtm_platform_tests.ingest import test_plan as plans
from gtm_platform_tests.ingest.syncing import RULES, Clock, Syncing
from gtm_platform_tests.ingest.test_stream_sync import QUARTER, SOURCE, Sky, day

STREAMS = ("planets", "sightings", "maps")


@pytest.fixture
def syncing(lake: Lake) -> Syncing:
    return Syncing(lake, SOURCE, Clock(day(1, 0.25)))


@pytest.fixture
def sky() -> Sky:
    sky = Sky()
    for number, name in enumerate(("mars", "venus", "pluto")):
        sky.put(name, day(-10 * (number + 1)))
    return sky


def close(syncing: Syncing, sky: Sky, number: int, stream: str) -> None:
    """Read the window of a day soon after it is over, as its schedule does."""
    syncing.clock.now = day(number + 1, 0.25)
    syncing.fill(sky, stream, day(number))


def peek(syncing: Syncing, sky: Sky, number: int, hours: float, stream: str, overlap: timedelta | None = None) -> None:
    """Read the window of a day while it is open, as a hook makes it be read."""
    syncing.clock.now = day(number, hours)
    syncing.fill(sky, stream, day(number), overlap=overlap)


def opened(mode: str, stored: list[File]) -> Plan:
    return plan_request(plans.stream(mode), plans.windows(1), stored, plans.day(1) + timedelta(hours=6), RULES)


class TestThePlan:
    @pytest.mark.parametrize("mode", ["incremental", "append_only", "full_refresh"])
    def test_an_open_window_never_begins_a_stream(self, mode: str) -> None:
        assert opened(mode, []) == Plan(None, reason=BEFORE_FIRST_SYNC)

    @pytest.mark.parametrize("mode", ["incremental", "append_only"])
    def test_it_is_asked_for_from_the_end_of_the_last_closed_one_until_now(self, mode: str) -> None:
        now = plans.day(1) + timedelta(hours=6)
        assert opened(mode, plans.files(d0="full")) == Plan(Window(plans.day(1) - plans.LOOKBACK, now + AHEAD))

    def test_what_can_only_be_read_whole_is_no_snapshot_yet(self) -> None:
        now = plans.day(1) + timedelta(hours=6)
        assert opened("full_refresh", plans.files(d0="full")) == Plan(Window(BEGINNING, now, full=True))


@pytest.mark.parametrize("stream", STREAMS)
def test_what_changed_shows_at_once_and_stays(syncing: Syncing, sky: Sky, stream: str) -> None:
    close(syncing, sky, 0, stream)
    sky.put("earth", day(1, 3))
    peek(syncing, sky, 1, 4, stream)
    (file,) = [file for file in syncing.lake.files(f"sky/{stream}") if file.is_open]
    assert (file.partition, file.full) == (syncing.slot(day(1)).key, False)
    assert "earth" in syncing.current_keys(stream, day(2))
    sky.put("ceres", day(1, 20))
    close(syncing, sky, 1, stream)
    assert [file.is_open for file in syncing.lake.files(f"sky/{stream}")] == [False, False]
    assert syncing.current_keys(stream, day(2)) == ["ceres", "earth", "mars", "pluto", "venus"]


@pytest.mark.parametrize("stream", ["planets", "sightings"])
def test_what_a_system_says_of_this_second_is_read(syncing: Syncing, sky: Sky, stream: str) -> None:
    """A hook comes within a second of what it says, and the system's clock may be ahead of ours."""
    close(syncing, sky, 0, stream)
    sky.put("earth", day(1, 4) + timedelta(seconds=1))
    peek(syncing, sky, 1, 4, stream)
    assert "earth" in syncing.current_keys(stream, day(2))


@pytest.mark.parametrize("stream", ["planets", "sightings"])
def test_read_again_it_is_asked_for_what_is_newer_than_its_newest_record(
    syncing: Syncing, sky: Sky, stream: str
) -> None:
    close(syncing, sky, 0, stream)
    sky.put("earth", day(1, 3))
    peek(syncing, sky, 1, 4, stream, overlap=QUARTER)
    sky.put("ceres", day(1, 3) - QUARTER / 2)  # listed late
    sky.put("saturn", day(1, 5))
    peek(syncing, sky, 1, 6, stream, overlap=QUARTER)
    assert [each.start for each in sky.requested[-2:]] == [day(1) - QUARTER, day(1, 3) - QUARTER]
    again = syncing.current_keys(stream, day(2))
    assert {"earth", "ceres", "saturn"} <= set(again)
    peek(syncing, sky, 1, 6, stream)
    assert syncing.current_keys(stream, day(2)) == again


@pytest.mark.parametrize("stream", STREAMS)
def test_a_window_whose_closing_is_missed_loses_nothing(syncing: Syncing, sky: Sky, stream: str) -> None:
    """The trap: a file that was read early must not stand for the rest of its window."""
    close(syncing, sky, 0, stream)
    peek(syncing, sky, 1, 4, stream)
    sky.put("earth", day(1, 20))  # after the hook; the schedule of that night did not run
    sky.requested.clear()
    close(syncing, sky, 2, stream)
    if stream != "maps":
        assert sky.requested[0].start == day(1) - QUARTER
    assert "earth" in syncing.current_keys(stream, day(3))


@pytest.mark.parametrize("stream", STREAMS)
def test_a_table_counts_as_read_until_its_last_closed_window(syncing: Syncing, sky: Sky, stream: str) -> None:
    close(syncing, sky, 0, stream)
    synced = _synced(syncing.lake, stream)
    peek(syncing, sky, 1, 4, stream)
    assert _synced(syncing.lake, stream) == synced


def _synced(lake: Lake, stream: str) -> Any:
    rows = lake.rows(lake.query_synced("2026-03-09")).to_pyarrow().to_pylist()
    return [row["synced_at"] for row in rows if row["table"] == f"sky/{stream}"]


def test_an_open_window_does_not_hide_that_one_before_it_was_missed() -> None:
    keys = [f"2026-03-{number:02d}" for number in range(1, 6)]
    closed = [File("2026-03-01", "0" * 24, True, Path())]
    assert covered_windows(closed, plans.windows(3), keys) == ["2026-03-02", "2026-03-03"]


def test_what_was_deleted_goes_once_the_window_is_over(syncing: Syncing, sky: Sky) -> None:
    close(syncing, sky, 0, "maps")
    del sky.planets["pluto"]
    peek(syncing, sky, 1, 4, "maps")
    assert "pluto" in syncing.current_keys("maps", day(2))
    close(syncing, sky, 1, "maps")
    assert syncing.current_keys("maps", day(2)) == ["mars", "venus"]


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("stream", STREAMS)
def test_with_hooks_and_without_all_days_are_the_same_in_the_end(tmp_path: Path, stream: str, seed: int) -> None:
    """Histories by chance, with nights that were missed: hooks bring forward what is known, and change nothing."""
    random = Random(f"{stream} {seed}")
    hooked, scheduled = (Syncing(Lake(tmp_path / name), SOURCE, Clock(day(1))) for name in ("hooked", "scheduled"))
    sky, names = Sky(), [f"p{number}" for number in range(8)]
    sky.put("p0", day(-1))
    for number in range(5):
        for hour in sorted(random.sample(range(24), 4)):
            sky.put(random.choice(names), day(number, hour), name=str(random.random()))
            if random.random() < 0.5:
                peek(hooked, sky, number, hour + random.choice((0.1, 0.9)), stream)
        if number in (0, 4) or random.random() < 0.7:
            for each in (hooked, scheduled):
                close(each, sky, number, stream)
        if number in (0, 4):
            assert _rows(hooked, stream, number) == _rows(scheduled, stream, number)


def _rows(syncing: Syncing, stream: str, number: int) -> list[Any]:
    table = syncing.lake.as_of(f"sky/{stream}", syncing.slot(day(number + 1)).key)
    return sorted((row["id"], row["name"], row["changed_at"]) for row in table.to_pyarrow().to_pylist())


def test_the_windows_have_one_that_is_open() -> None:
    now = day(3, 13.5)
    assert (open_window(6, now), closed_window(6, now)) == ("2026-03-04T1200", "2026-03-04T0600")
    assert (open_window(24, now), closed_window(24, now)) == ("2026-03-04", "2026-03-03")
    assert closed_window(24, day(-59, 1)) is None
    assert windows(6).has_partition_key("2026-03-04T1200")
