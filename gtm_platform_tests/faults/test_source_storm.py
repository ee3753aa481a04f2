"""Every discovered source in a storm: one call in four goes wrong, and its tables end with the rows of a clean run.

Nothing here names a source: one that is added is tried without a line.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.http.errors import ApiFailure
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import Source, Stream
from gtm_platform.ingest.stream_sync import StreamSync
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.server import running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.conftest import VARIABLES
from gtm_platform_tests.e2e.home import READING, Control
from gtm_platform_tests.faults.end_to_end_runs import PAGE_TWICE, STORM, early
from gtm_platform_tests.faults.quiet_worlds import nobody_waits, small_pages
from gtm_platform_tests.ingest.syncing import RULES

pytestmark = pytest.mark.soak

START = datetime(2026, 3, 2, tzinfo=UTC)
PEOPLE, SEED = 40, 29
SEEDS = {"crossbeam": 48, "partnerstack": 48}  # of a world with partners, of which there are few
WINDOWS = 2  # the first is a full refresh, the second brings what changed
TRIES = 10  # a run that failed is made again
SOURCES = [source for source in SCHEDULED if source.required_env]  # others are read from files


@dataclass
class Weather:
    """A sandbox in which a source is synced into a lake in good weather, and into another in a storm."""

    control: Control
    source: Source
    clean: Lake
    stormy: Lake
    failures: list[str] = field(default_factory=list)
    hits: dict[str, int] = field(default_factory=dict)

    def live(self, patch: pytest.MonkeyPatch) -> None:
        """Sync the windows one after the other, each first in good weather."""
        length = timedelta(hours=self.source.hours)
        for number in range(WINDOWS):
            start = START + number * length
            window = PartitionWindow(f"{start:%Y-%m-%dT%H%M}", start, start + length)
            now = window.end + timedelta(minutes=20)
            self.control.set_clock(now)
            patch.setenv("GTM_NOW", now.isoformat())
            settings.cache_clear()
            for stream in self.source.streams:
                self._sync(self.clean, stream, window, now)
            self._begin(number)
            for stream in self.source.streams:
                self._heal(stream, window, now)
            for fault in self.control.ask("faults")["faults"]:
                kind = next(name for name, value in self._kinds().items() if self._is(fault, value))
                self.hits[kind] = self.hits.get(kind, 0) + fault["hits"]
            self.control.go_right()

    @staticmethod
    def _kinds() -> dict[str, dict[str, Any]]:
        return {name: how for name, (_, how) in STORM.items()} | {"page twice": {"duplicate_page": True}}

    @staticmethod
    def _is(fault: dict[str, Any], how: dict[str, Any]) -> bool:
        return all(fault[name] == value for name, value in how.items()) and ("retry_after" in how) == bool(
            fault["retry_after"]
        )

    def _begin(self, number: int) -> None:
        for name, (rate, how) in STORM.items():
            self.control.go_wrong(self.source.name, "/", rate=rate, seed=early(rate, number + len(name)), **how)
        seed = early(PAGE_TWICE, number)
        self.control.go_wrong(
            self.source.name, "/", rate=PAGE_TWICE, seed=seed, method="GET", **self._kinds()["page twice"]
        )

    def _heal(self, stream: Stream, window: PartitionWindow, now: datetime) -> None:
        for _ in range(TRIES):
            try:
                self._sync(self.stormy, stream, window, now)
            except ApiFailure as failure:
                self.failures.append(str(failure))
            else:
                return
        raise AssertionError(f"{stream.name} never came through: {self.failures[-TRIES:]}")

    def _sync(self, lake: Lake, stream: Stream, window: PartitionWindow, now: datetime) -> None:
        with self.source.open() as client:
            StreamSync(lake, self.source, stream, RULES, now, "run").report(client, [window])


def rows(lake: Lake, source: Source, stream: Stream) -> list[str]:
    """The table as it is known last, without when and by which run it was read."""
    table = lake.as_of(source.table(stream), "9999").drop(*READING)
    return sorted(map(repr, table.to_pyarrow().to_pylist()))


@pytest.fixture(params=SOURCES, ids=[source.name for source in SOURCES], scope="module")
def weather(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weather]:
    folder: Path = tmp_path_factory.mktemp(request.param.name)
    with pytest.MonkeyPatch.context() as patch:
        nobody_waits(patch)
        small_pages(patch, 15)
        with running(PEOPLE, SEEDS.get(request.param.name, SEED), START) as box:
            for variable in VARIABLES:
                patch.delenv(variable, raising=False)
            for name, value in {**box.env, "GTM_HOME": str(folder), "GTM_FIRST_DAY": "2026-01-01"}.items():
                patch.setenv(name, value)
            weather = Weather(Control(box.url), request.param, Lake(folder / "clean"), Lake(folder / "stormy"))
            weather.live(patch)
        yield weather
    settings.cache_clear()


@pytest.mark.faults("S1", "S3", "S5", "S10", "S11", "P1")
def test_the_rows_are_those_of_a_clean_run(weather: Weather) -> None:
    source = weather.source
    tables = {stream.name: rows(weather.clean, source, stream) for stream in source.streams}
    assert sum(map(len, tables.values())) > 0
    assert [
        name for stream in source.streams if rows(weather.stormy, source, stream) != tables[(name := stream.name)]
    ] == []


@pytest.mark.faults("S1", "S3")
def test_the_storm_struck(weather: Weather) -> None:
    assert weather.hits.keys() == {*STORM, "page twice"}
    assert sum(weather.hits.values()) > 0


def test_no_draft_is_left_and_every_failure_is_a_sentence(weather: Weather) -> None:
    assert list(weather.stormy.root.glob("*/*/.*.parquet")) == []
    assert [failure for failure in weather.failures if "Traceback" in failure] == []
