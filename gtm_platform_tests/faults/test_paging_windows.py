"""Late, misdated, restored, vanished: what a window holds, and what a later one mends."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from gtm_platform.http.errors import Unavailable
from gtm_platform.http.pages import Page
from gtm_platform.ingest.record import Id, Instant, Record, at
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.ingest.stream_sync import WindowResult
from gtm_platform.ingest.truncation import ShrankTooMuch
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import SystemSettings
from gtm_platform_tests.faults.model import adds_up, as_of, ids, nothing_half_done
from gtm_platform_tests.ingest import test_stream_sync as test_sync
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.ingest.test_stream_sync import Sky, day

clock, syncing, sky = test_sync.clock, test_sync.syncing, test_sync.sky
FAR = datetime.fromisoformat("2090-01-01T00:00:00+00:00")
MINUTE = timedelta(minutes=1)


def sync(syncing: Syncing, sky: Any, *numbers: int, stream: str = "planets", late: float = 0.25) -> list[WindowResult]:
    syncing.clock.now = day(numbers[-1] + 1, late)
    filled = syncing.fill(sky, stream, *map(day, numbers))
    nothing_half_done(syncing.lake.root)
    return filled


def names(syncing: Syncing, number: int, stream: str = "planets") -> dict[str, str]:
    """As of the end of the day."""
    return {row["id"]: row["name"] for row in as_of(syncing, stream, day(number + 1))}


class TestLate:
    @pytest.mark.faults("P6", "P7")
    def test_what_shows_later_than_is_asked_again_comes_with_the_next_whole(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("eris", day(1) - 16 * MINUTE)  # also where a system's clock is behind
        for number in range(1, 7):
            sync(syncing, sky, number)
            assert "eris" not in names(syncing, number)
        adds_up(sync(syncing, sky, 7), 4)
        assert "eris" in names(syncing, 7)

    @pytest.mark.faults("P6", "P8")
    def test_an_index_that_lags_does_not_bring_back_what_was(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(2) - MINUTE, name="New")
        sync(syncing, sky, 1)
        sky.put("mars", day(2) - 10 * MINUTE, name="Old")
        (filled,) = sync(syncing, sky, 2)
        assert (filled.read, filled.rows) == (1, 0)
        assert names(syncing, 2)["mars"] == "New"
        sync(syncing, sky, 1)
        assert names(syncing, 2)["mars"] == "New"


class TestMisdated:
    @pytest.mark.faults("P7")
    def test_what_moved_in_an_impossible_year_is_set_aside_and_what_was_known_stays(
        self, syncing: Syncing, sky: Sky
    ) -> None:
        sync(syncing, sky, 0)
        sky.planets["mars"]["changed_at"] = "2999-12-31T00:00:00Z"
        for number in (1, 7):
            sky.put("venus", day(number, 3), name=f"Of {number}")
            (filled,) = sync(syncing, sky, number)
            assert (filled.quarantined, filled.read) == (1, {1: 2, 7: 3}[number])
            assert names(syncing, number) == {"mars": "Mars", "venus": f"Of {number}", "pluto": "Pluto"}
        assert syncing.quarantined("planets", day(7)) == [("mars", "changed_at: instant_out_of_range")]

    @pytest.mark.faults("P7")
    def test_what_claims_to_move_in_years_to_come_is_known_as_it_is_and_moves_no_window(
        self, syncing: Syncing, sky: Sky
    ) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", FAR, name="Misdated")
        sky.put("venus", day(1, 3), name="Changed")
        adds_up(sync(syncing, sky, 1), 2)
        assert names(syncing, 1) == {"mars": "Misdated", "venus": "Changed", "pluto": "Pluto"}
        sky.put("mars", FAR + MINUTE, name="Again")
        adds_up(sync(syncing, sky, 7), 3)
        assert names(syncing, 7)["mars"] == "Again"
        assert sky.requested[1].start == day(1) - 15 * MINUTE
        sky.put("mars", day(8, 3), name="Dated")
        sync(syncing, sky, 8)
        assert sky.requested[-1] == Window(day(8) - 15 * MINUTE, day(9))
        assert names(syncing, 8)["mars"] == "Dated"

    @pytest.mark.faults("P7")
    def test_what_a_clock_that_is_a_little_ahead_dates_comes_with_its_window(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(2, 0.3), name="Ahead")
        (filled,) = sync(syncing, sky, 1)
        assert (filled.read, filled.rows, filled.outside) == (1, 0, 1)
        sync(syncing, sky, 2)
        assert names(syncing, 2)["mars"] == "Ahead"


class TestAgain:
    @pytest.mark.faults("P8")
    def test_of_two_readings_that_moved_at_once_the_later_counts(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        for name in ("One", "Other"):
            sky.put("mars", day(1, 3), name=name)
            sync(syncing, sky, 1)
            assert names(syncing, 1)["mars"] == name

    @pytest.mark.faults("P20")
    def test_a_whole_window_that_is_run_again_too_late_stays_whole(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        del sky.planets["pluto"]
        sync(syncing, sky, 7)
        before = as_of(syncing, "planets", day(8))
        (again,) = sync(syncing, sky, 7, late=100)
        assert again.full
        assert as_of(syncing, "planets", day(8)) == before
        assert ids(before) == ["mars", "venus"]

    @pytest.mark.faults("P20")
    def test_what_was_restored_is_there_again_with_the_next_whole_or_change(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        moved = {name: sky.planets.pop(name) for name in ("pluto", "venus")}
        sync(syncing, sky, 7)
        assert list(names(syncing, 7)) == ["mars"]
        sky.planets["pluto"] = moved["pluto"]
        sky.put("venus", day(8, 3))
        sync(syncing, sky, 8)
        assert list(names(syncing, 8)) == ["mars", "venus"]
        sync(syncing, sky, 14)
        assert list(names(syncing, 14)) == ["mars", "pluto", "venus"]

    @pytest.mark.faults("P20")
    def test_a_tombstone_is_lifted_by_a_later_version(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("pluto", day(1, 3), gone=True)
        sync(syncing, sky, 1)
        sky.put("pluto", day(2, 3), name="Restored")
        sync(syncing, sky, 2)
        assert "pluto" not in names(syncing, 1)
        assert names(syncing, 2)["pluto"] == "Restored"


class TestEmpty:
    @pytest.mark.faults("P22")
    @pytest.mark.parametrize("stream", ["planets", "maps"])
    def test_nothing_where_something_was_is_a_stop(self, syncing: Syncing, sky: Sky, stream: str) -> None:
        sync(syncing, sky, 0, stream=stream)
        known, sky.planets = sky.planets, {}
        for number in (7, 0):
            with pytest.raises(ShrankTooMuch, match="holds 0 records where 3 were known"):
                sync(syncing, sky, number, stream=stream)
            assert len(names(syncing, number, stream)) == 3
        sky.planets = known
        adds_up(sync(syncing, sky, 7, stream=stream), 3)

    @pytest.mark.faults("P22")
    def test_a_snapshot_that_lost_most_is_refused_too(self, syncing: Syncing, sky: Sky) -> None:
        for number in range(200):
            sky.put(f"planet{number}", day(-3))
        sync(syncing, sky, 0, stream="maps")
        sky.planets = dict(list(sky.planets.items())[:100])
        with pytest.raises(ShrankTooMuch, match="holds 100 records where 203 were known"):
            sync(syncing, sky, 1, stream="maps")

    @pytest.mark.faults("P22")
    @pytest.mark.parametrize("stream", ["planets", "sightings", "maps"])
    def test_nothing_from_the_beginning_is_nothing(self, syncing: Syncing, sky: Sky, stream: str) -> None:
        sky.planets = {}
        for number in (0, 0, 1, 7):
            adds_up(sync(syncing, sky, number, stream=stream), 0)
        sky.put("mars", day(8, 3))
        sync(syncing, sky, 8, stream=stream)
        assert list(names(syncing, 8, stream)) == ["mars"]


@pytest.mark.faults("P23")
@pytest.mark.parametrize("stream", ["planets", "maps"])
def test_a_whole_that_breaks_off_at_any_page_leaves_what_was_known(syncing: Syncing, sky: Sky, stream: str) -> None:
    sync(syncing, sky, 0, stream=stream)
    before = names(syncing, 7, stream)
    for name in sky.planets:
        sky.put(name, day(5), name="Changed")
    for page in range(3):
        sky.fails_after = page
        with pytest.raises(Unavailable):
            sync(syncing, sky, 7, stream=stream)
        assert names(syncing, 7, stream) == before
    sky.fails_after = None
    sync(syncing, sky, 7, stream=stream)
    assert set(names(syncing, 7, stream).values()) == {"Changed"}


class Moon(Record):
    """A moon, known by its planet and its number."""

    planet: Id = at("planet", "name", default=...)
    number: Id = at("number", default=...)
    changed_at: Instant = at("changed_at", default=...)


@dataclass
class Moons:
    raws: list[dict[str, Any]] = field(default_factory=list)

    def pages(self, _: Window) -> Iterator[Page]:
        yield [msgspec.json.encode(raw) for raw in self.raws]


@pytest.mark.faults("P18", "P20")
def test_what_cannot_be_read_is_not_deleted_whatever_it_is_known_by(lake: Lake, clock: Clock) -> None:
    stream = Stream("moons", Moon, Moons.pages, key=("planet", "number"), cursor_field="changed_at")
    source = Source("orbit", Schedule(24), SystemSettings, lambda _: nullcontext(), lambda _: "", (stream,))
    syncing, moons = Syncing(lake, source, clock), Moons()
    moons.raws = [{"planet": {"name": "mars"}, "number": n, "changed_at": day(-3)} for n in (1, 2, 3)]
    sync(syncing, moons, 0, stream="moons")
    moons.raws[0]["changed_at"] = "soon"
    del moons.raws[1]
    moons.raws.append({"planet": None, "number": 9, "changed_at": "soon"})
    for number in (0, 7, 7, 14):
        last = sync(syncing, moons, number, stream="moons")[-1]
        assert (last.read, last.quarantined) == (3, 2)
        found = as_of(syncing, "moons", day(number + 1))
        assert [(row["planet"], row["number"]) for row in found] == [("mars", "1"), ("mars", "3")]
