"""What all streams have in common: what they are asked for, and into which windows their rows go."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gtm_platform.http.errors import Unavailable
from gtm_platform.http.pages import Page
from gtm_platform.ingest.record import Id, Instant, MaybeText, Record, at
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.ingest.truncation import ShrankTooMuch
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.sources.stripe.settings import StripeSettings
from gtm_platform_tests.ingest.syncing import Clock, Syncing

START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def day(number: int, hours: float = 0) -> datetime:
    return START + timedelta(days=number, hours=hours)


class Planet(Record):
    """A planet, as far as anybody knows."""

    id: Id = at("id", default=...)
    name: MaybeText = at("name")
    changed_at: Instant = at("changed_at", default=...)
    gone: bool = at("gone", default=False)

    def is_gone(self) -> bool:
        return self.gone


@dataclass
class Sky:
    """An API: it knows each planet's present state only, and can be asked what has moved."""

    planets: dict[str, dict[str, Any]] = field(default_factory=dict)
    requested: list[Window] = field(default_factory=list)
    fails_after: int | None = None

    def put(self, key: str, moved: datetime, **more: Any) -> None:
        self.planets[key] = {"id": key, "name": key.title(), "changed_at": moved.isoformat(), **more}

    def pages(self, window: Window) -> Iterator[Page]:
        self.requested.append(window)
        found = [each for each in self.planets.values() if window.full or _moved(each) >= window.start]
        for number, planet in enumerate(found):
            if number == self.fails_after:
                raise Unavailable("Sky", "Sky is clouded.")
            yield [json.dumps(planet).encode()]


def _moved(planet: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(planet["changed_at"])
    except ValueError:
        return day(100)


SOURCE = Source(
    "sky",
    Schedule(24),
    StripeSettings,
    connect=lambda _: nullcontext(),
    check=lambda _: "a clear night",
    streams=(
        Stream("planets", Planet, Sky.pages, cursor_field="changed_at"),
        Stream("sightings", Planet, Sky.pages, sync_mode="append_only", cursor_field="changed_at"),
        Stream("maps", Planet, Sky.pages, sync_mode="full_refresh"),
    ),
)


@pytest.fixture
def clock() -> Clock:
    return Clock(day(1, 0.25))


@pytest.fixture
def syncing(lake: Lake, clock: Clock) -> Syncing:
    return Syncing(lake, SOURCE, clock)


@pytest.fixture
def sky() -> Sky:
    sky = Sky()
    for number, name in enumerate(("mars", "venus", "pluto")):
        sky.put(name, day(-10 * (number + 1)))
    return sky


def sync(syncing: Syncing, sky: Sky, *numbers: int, stream: str = "planets") -> list[tuple[int, bool]]:
    """Fills the windows of these days soon after the last of them has closed."""
    syncing.clock.now = day(numbers[-1] + 1, 0.25)
    return [(each.rows, each.full) for each in syncing.fill(sky, stream, *map(day, numbers))]


class TestAnUpdatedStream:
    def test_is_whole_at_first(self, syncing: Syncing, sky: Sky) -> None:
        assert sync(syncing, sky, 0) == [(3, True)]
        assert sky.requested[-1].full

    def test_then_brings_what_moved_asking_a_little_earlier(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(1, 3), name="Red")
        assert sync(syncing, sky, 1) == [(1, False)]
        assert sky.requested[-1] == Window(day(1) - QUARTER, day(2))
        assert syncing.rows("planets", day(1), "id", "name", "_window") == [("mars", "Red", day(2))]

    @pytest.mark.faults("P6")
    def test_brings_what_showed_late(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(1) - timedelta(minutes=5))
        assert sync(syncing, sky, 1) == [(1, False)]

    def test_leaves_what_moved_later_to_its_window(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(2, 0.1))
        assert sync(syncing, sky, 1) == [(0, False)]
        assert sync(syncing, sky, 2) == [(1, False)]

    @pytest.mark.faults("P8", "T1")
    def test_a_window_run_twice_holds_the_same(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(1, 3))
        sync(syncing, sky, 1)
        first = syncing.rows("planets", day(1), "id", "name", "changed_at")
        sky.put("mars", day(2, 3), name="Later")
        assert sync(syncing, sky, 1) == [(1, False)]
        assert syncing.rows("planets", day(1), "id", "name", "changed_at") == first

    def test_one_sweep_deals_its_rows_to_the_windows(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        for number, name in enumerate(("mars", "venus", "pluto"), start=1):
            sky.put(name, day(number, 3))
        assert sync(syncing, sky, 1, 2, 3) == [(1, False), (1, False), (1, False)]
        assert len(sky.requested) == 2
        assert syncing.rows("planets", day(2), "id", "_window") == [("venus", day(3))]

    @pytest.mark.faults("T2")
    def test_windows_that_were_missed_are_asked_for_with_the_next(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(2, 3))
        assert sync(syncing, sky, 4) == [(1, False)]
        assert sky.requested[-1].start == day(1) - QUARTER

    def test_nothing_can_be_known_of_windows_before_the_first(self, syncing: Syncing, sky: Sky) -> None:
        syncing.clock.now = day(9)
        assert syncing.fill(sky, "planets", day(2)) == []
        assert not sky.requested

    def test_a_first_sweep_over_many_windows_fills_the_last_only(self, syncing: Syncing, sky: Sky) -> None:
        sky.put("mars", day(1, 3))
        assert sync(syncing, sky, 0, 1, 2) == [(3, True)]
        assert not syncing.lake.has_data_by("sky/planets", "2026-03-02")

    @pytest.mark.faults("P20")
    def test_a_week_later_it_is_whole_again_and_shows_what_is_gone(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        del sky.planets["pluto"]
        assert sync(syncing, sky, 6) == [(0, False)]
        assert syncing.current_keys("planets", day(7)) == ["mars", "pluto", "venus"]
        assert sync(syncing, sky, 7) == [(2, True)]
        assert syncing.current_keys("planets", day(8)) == ["mars", "venus"]
        assert syncing.current_keys("planets", day(7)) == ["mars", "pluto", "venus"]

    def test_when_whole_it_keeps_what_was_known_of_those_that_moved_since(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(8, 0.1), name="Too new")
        sky.put("eris", day(8, 0.1))
        assert sync(syncing, sky, 7) == [(4, True)]
        assert syncing.rows("planets", day(7), "id", "name")[1] == ("mars", "Mars")

    @pytest.mark.faults("P20")
    def test_a_tombstone_takes_effect_in_its_window(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("pluto", day(1, 3), gone=True)
        sync(syncing, sky, 1)
        assert syncing.current_keys("planets", day(1)) == ["mars", "pluto", "venus"]
        assert syncing.current_keys("planets", day(2)) == ["mars", "venus"]

    @pytest.mark.faults("P22")
    def test_refuses_to_believe_that_most_is_gone(self, syncing: Syncing, sky: Sky) -> None:
        for number in range(200):
            sky.put(f"planet{number}", day(-3))
        sync(syncing, sky, 0)
        sky.planets = dict(list(sky.planets.items())[:50])
        with pytest.raises(ShrankTooMuch, match="holds 50 records where 203 were known"):
            sync(syncing, sky, 7)
        assert len(syncing.current_keys("planets", day(8))) == 203


class TestAnAppendedStream:
    def test_brings_its_whole_past_at_first_and_never_again(self, syncing: Syncing, sky: Sky) -> None:
        assert sync(syncing, sky, 0, stream="sightings") == [(3, True)]
        sky.put("eris", day(20, 3))
        assert sync(syncing, sky, 20, stream="sightings") == [(1, False)]
        assert syncing.current_keys("sightings", day(21)) == ["eris", "mars", "pluto", "venus"]

    def test_deals_its_past_to_the_windows_of_the_first_sweep(self, syncing: Syncing, sky: Sky) -> None:
        sky.put("mars", day(1, 3))
        assert sync(syncing, sky, 0, 1, stream="sightings") == [(2, True), (1, False)]


class TestASnapshot:
    def test_is_whole_each_time(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0, stream="maps")
        del sky.planets["pluto"]
        assert sync(syncing, sky, 1, stream="maps") == [(2, True)]
        assert syncing.current_keys("maps", day(2)) == ["mars", "venus"]

    def test_is_taken_once_for_many_windows(self, syncing: Syncing, sky: Sky) -> None:
        assert sync(syncing, sky, 0, 1, 2, stream="maps") == [(3, True)]


class TestAWholeSweep:
    """What was swept is the window's file where all of it belongs there; else its rows are written once more."""

    @pytest.fixture
    def written(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        copy, names = Lake.copy, list[str]()

        def noted(lake: Lake, rows: Any, target: Path, group: int) -> None:
            names.append(target.name)
            copy(lake, rows, target, group)

        monkeypatch.setattr(Lake, "copy", noted)
        return names

    @pytest.mark.parametrize("stream", ["planets", "maps"])
    def test_is_the_file_of_its_window(self, syncing: Syncing, sky: Sky, written: list[str], stream: str) -> None:
        assert sync(syncing, sky, 0, stream=stream) == [(3, True)]
        assert [name.partition(".")[2][:7] for name in written] == ["extract"]
        rows = syncing.lake.as_of(f"sky/{stream}", "9999").to_pyarrow().to_pylist()
        assert sorted(row["name"] for row in rows) == ["Mars", "Pluto", "Venus"]
        assert {row["_window"] for row in rows} == {day(1)}

    @pytest.mark.parametrize("stream", ["planets", "sightings"])
    def test_of_what_changed_in_a_window_is_its_file(
        self, syncing: Syncing, sky: Sky, written: list[str], stream: str
    ) -> None:
        sync(syncing, sky, 0, stream=stream)
        sky.put("ceres", day(1, 3))
        assert sync(syncing, sky, 1, stream=stream) == [(1, False)]
        assert [name.partition(".")[2][:7] for name in written] == ["extract"] * 2
        newest = syncing.lake.partitions(f"sky/{stream}")[-1]
        rows = syncing.lake.partition(f"sky/{stream}", newest).to_pyarrow().to_pylist()
        assert [(row["id"], row["_window"]) for row in rows] == [("ceres", day(2))]

    def test_of_what_changed_is_not_where_the_window_holds_something(
        self, syncing: Syncing, sky: Sky, written: list[str]
    ) -> None:
        sync(syncing, sky, 0)
        for name, files in {"mars": 2, "ceres": 4}.items():
            sky.put(name, day(1, 3))
            sync(syncing, sky, 1)
            assert len(written) == files

    def test_of_what_changed_is_not_that_of_several_windows(
        self, syncing: Syncing, sky: Sky, written: list[str]
    ) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(1, 3))
        sky.put("ceres", day(2, 3))
        assert sync(syncing, sky, 1, 2) == [(1, False), (1, False)]
        assert len(written) == 1 + 3

    def test_is_the_same_file_as_if_its_rows_were_written_once_more(
        self, syncing: Syncing, sky: Sky, written: list[str]
    ) -> None:
        sync(syncing, sky, 0)
        sky.planets["mars once more"] = sky.planets["mars"]
        sync(syncing, sky, 0)
        as_swept, once_more = [pq.read_table(file.path) for file in syncing.lake.versions("sky/planets")]
        assert len(written) == 3  # two sweeps, one of them written once more
        assert as_swept.schema == once_more.schema
        but = ["_extracted_at"]
        first, second = (each.drop_columns(but).sort_by("id").to_pylist() for each in (as_swept, once_more))
        assert first == second

    @pytest.mark.parametrize(
        ("what", "rows"), [({"id": "mars"}, 3), ({"id": ""}, 3), ({"changed_at": day(1, 0.1).isoformat()}, 4)]
    )
    def test_is_not_where_some_of_it_does_not_belong_there(
        self, syncing: Syncing, sky: Sky, written: list[str], what: dict[str, str], rows: int
    ) -> None:
        sky.put("ceres", day(-5), **what)
        assert sync(syncing, sky, 0) == [(rows, True)]
        assert len([name for name in written if name.startswith(".2026-03-01") and "full" in name]) == 1


class TestBadRecords:
    def test_are_set_aside_with_the_reason(self, syncing: Syncing, sky: Sky) -> None:
        sky.put("nibiru", day(-1), changed_at="soon")
        (filled,) = syncing.fill(sky, "planets", day(0))
        assert (filled.rows, filled.quarantined) == (3, 1)
        ((record, reason),) = syncing.quarantined("planets", day(0))
        assert record == "nibiru"
        assert reason.startswith("changed_at: datetime")

    def test_are_no_longer_set_aside_once_they_are_right(self, syncing: Syncing, sky: Sky) -> None:
        sky.put("nibiru", day(-1), changed_at="soon")
        sync(syncing, sky, 0)
        sky.put("nibiru", day(-1))
        assert sync(syncing, sky, 0) == [(4, True)]
        assert syncing.quarantined("planets", day(0)) == []

    @pytest.mark.faults("P18", "P20")
    def test_do_not_pass_for_deleted(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.planets["mars"]["changed_at"] = "soon"
        assert sync(syncing, sky, 7) == [(3, True)]
        assert syncing.current_keys("planets", day(8)) == ["mars", "pluto", "venus"]


class TestFailures:
    @pytest.mark.faults("P23")
    def test_leave_what_was_known_and_keep_their_own_words(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.fails_after = 1
        with pytest.raises(Unavailable, match="Sky is clouded"):
            sync(syncing, sky, 7)
        assert syncing.lake.partitions("sky/planets") == [syncing.slot(day(0)).key]
        assert not list((syncing.lake.root / "sky/planets").glob(".*"))

    def test_a_damaged_file_is_filled_afresh(self, syncing: Syncing, sky: Sky) -> None:
        sync(syncing, sky, 0)
        sky.put("mars", day(1, 3))
        sync(syncing, sky, 1)
        (file,) = [file for file in syncing.lake.files("sky/planets") if not file.full]
        file.path.write_bytes(b"no parquet")
        assert sync(syncing, sky, 1) == [(1, False)]


@pytest.mark.faults("T1")
def test_streams_side_by_side_do_not_disturb_each_other(syncing: Syncing, sky: Sky) -> None:
    """As in a run: a thread for each stream, on one engine."""
    syncing.clock.now = day(1, 0.25)
    streams = [stream.name for stream in SOURCE.streams] * 3
    with ThreadPoolExecutor(len(streams)) as threads:
        filled = list(threads.map(lambda stream: syncing.fill(sky, stream, day(0)), streams))
    assert [each[0].rows for each in filled] == [3] * len(streams)


def test_a_source_without_its_key_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SOURCE.off() == "sky is off: set STRIPE_API_KEY (see .env.example)"
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    settings.cache_clear()
    assert SOURCE.off() is None


def test_a_stream_that_moves_must_say_by_which_field() -> None:
    with pytest.raises(TypeError, match="only a full_refresh stream can do without"):
        Stream("comets", Planet, Sky.pages)
    with pytest.raises(TypeError, match="the record has no field"):
        Stream("comets", Planet, Sky.pages, cursor_field="seen_at").contract(24)
    with pytest.raises(TypeError, match="would belong to no window"):
        Stream("comets", Planet, Sky.pages, cursor_field="name").contract(24)
