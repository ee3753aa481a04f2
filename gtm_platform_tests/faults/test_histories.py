"""Random histories of a source and of the runs that read it, against a model of what must be known after each run."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gtm_platform.http.pages import Page
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import SystemSettings
from gtm_platform_tests.faults.model import adds_up, as_of, nothing_half_done
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.ingest.test_stream_sync import Planet, day

QUARTER_HOUR, SECOND = timedelta(minutes=15), timedelta(seconds=1)
Version = tuple[datetime, str]  # when it moved, and what it is called since


class Died(RuntimeError):
    """A run that ends in the middle of something."""


@dataclass
class Archive:
    """An API of things whose search may lag behind, says a thing twice, and may die."""

    luck: Random
    truth: dict[str, Version] = field(default_factory=lambda: {"there is always one": (day(-9), "it")})
    clocks: dict[str, datetime] = field(default_factory=dict)
    former: dict[str, Version] = field(default_factory=dict)
    lags: set[str] = field(default_factory=set)
    dies_after: int | None = None
    requested: list[Window] = field(default_factory=list)
    shown: dict[str, Version] = field(default_factory=dict)

    def change(self, key: str, moved: datetime, name: str) -> None:
        """No clock of a record stands still or goes back."""
        if key in self.truth:
            self.former[key] = self.truth[key]
        self.clocks[key] = max(moved, self.clocks.get(key, moved) + SECOND)
        self.truth[key] = (self.clocks[key], name)

    def pages(self, window: Window) -> Iterator[Page]:
        self.requested.append(window)
        told = [(key, version) for key in self.truth for version in self._versions(key, window.full)]
        told = [(key, version) for key, version in told if window.full or version[0] >= window.start]
        self.luck.shuffle(told)
        self.shown = {}
        for key, version in told:
            self.shown[key] = max(version, self.shown.get(key, version))
        for number, (key, (moved, name)) in enumerate(told):
            if number == self.dies_after:
                raise Died
            yield [msgspec.json.encode({"id": key, "name": name, "changed_at": moved})]
        if self.dies_after is not None:
            raise Died

    def _versions(self, key: str, full: bool) -> list[Version]:
        """The one of now; of a search also the one before, or that one only."""
        now, before = self.truth[key], [self.former[key]] if key in self.former else []
        if full:
            return [now] * self.luck.choice([1, 1, 2])
        return before if key in self.lags else self.luck.choice([[now], [now, now], [*before, now]])


@dataclass
class Model:
    """What must be known as of the newest window, and which window says so."""

    records: dict[str, Version] = field(default_factory=dict)
    windows_of: dict[str, int] = field(default_factory=dict)
    whole: int = -1  # the last window that was read whole

    def read(self, archive: Archive, first: int, last: int) -> int:
        """How many records the windows took in."""
        window, end = archive.requested[-1], day(last + 1)
        if window.full:
            since = {key: self.records.get(key, version) for key, version in archive.shown.items() if version[0] >= end}
            self.records, self.whole = archive.shown | since, last
            self.windows_of = dict.fromkeys(self.records, last)
            return len(archive.shown)
        within = {key: version for key, version in archive.shown.items() if window.start <= version[0] < end}
        for key, version in within.items():
            slot = max(first, (version[0] - day(0)).days)
            newer = version > self.records.get(key, (day(-999), ""))
            if slot >= max(self.whole, self.windows_of.get(key, -1)) and newer:
                self.records[key], self.windows_of[key] = version, slot
        return len(within)


STREAM = Stream("things", Planet, Archive.pages, cursor_field="changed_at")
SOURCE = Source("archive", Schedule(24), SystemSettings, lambda _: nullcontext(), lambda _: "", (STREAM,))
KEYS = st.sampled_from("abcd")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), KEYS, st.integers(-14, 1454)),  # minutes of the day; the last are after its end
        st.tuples(st.just("remove"), KEYS, st.just(0)),
        st.tuples(st.just("lag"), KEYS, st.just(0)),
        st.tuples(st.just("run"), st.sampled_from(["", "", "page", "write"]), st.sampled_from([1, 1, 1, 2, 7])),
        st.tuples(st.just("again"), st.just(""), st.sampled_from([0, *range(2, 9)])),
    ),
    min_size=6,
    max_size=14,
)


class History:
    def __init__(self, root: Path, luck: Random) -> None:
        self.archive, self.model, self.luck = Archive(luck), Model(), luck
        self.syncing = Syncing(Lake(root), SOURCE, Clock(day(0)))
        self.today, self.names = 0, (f"{number:03}" for number in count())

    def change(self, key: str, minute: int) -> None:
        self.archive.change(key, day(self.today) + timedelta(minutes=minute), next(self.names))

    def remove(self, key: str, _: int) -> None:
        self.archive.truth.pop(key, None)
        self.archive.former.pop(key, None)

    def lag(self, key: str, _: int) -> None:
        self.archive.lags.add(key)

    def run(self, trouble: str, days: int) -> None:
        """One sweep over the days that have passed since the last; what fails is run again."""
        first, self.today = self.today, self.today + days
        if trouble:
            before = self.stored()
            with pytest.MonkeyPatch.context() as patches:
                patches.setattr(self.archive, "dies_after", 1 if trouble == "page" else None)
                if trouble == "write":
                    patches.setattr("gtm_platform.lake.lake.check_file", _dies)
                with pytest.raises(Died):
                    self._fill(first, self.today - 1)
            assert self.stored() == before
        self._fill(first, self.today - 1)
        self.archive.lags.clear()

    def again(self, _: str, back: int) -> None:
        """The last window once more, or one of which the time to read it whole is over."""
        if self.today:
            number = max(self.today - 1 - back, 0)
            self._fill(number, number)

    def _fill(self, first: int, last: int) -> None:
        self.syncing.clock.now = day(self.today) + QUARTER_HOUR
        filled = self.syncing.fill(self.archive, "things", *map(day, range(first, last + 1)))
        nothing_half_done(self.syncing.lake.root)
        if filled:
            adds_up(filled, stored=self.model.read(self.archive, first, last))

    def stored(self) -> dict[str, Version]:
        rows = as_of(self.syncing, "things", day(self.today + 1))
        return {row["id"]: (row["changed_at"], row["name"]) for row in rows}


def _dies(*_: object) -> None:
    raise Died


@pytest.mark.faults("P8", "P1", "P20")
def test_what_is_known_after_any_history_is_what_the_model_says(tmp_path: Path) -> None:
    number = count()

    @settings(max_examples=5, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(steps=STEPS, seed=st.integers(0, 999))
    def holds(steps: list[tuple[str, str, int]], seed: int) -> None:
        history = History(tmp_path / str(next(number)), Random(seed))
        for what, how, much in steps:
            getattr(history, what)(how, much)
            assert history.stored() == history.model.records
        history.run("", 8)
        once, truth = history.stored(), history.archive.truth
        assert once.keys() == truth.keys()
        assert all(once[key] == version for key, version in truth.items() if version[0] < day(history.today))
        history.again("", 0)
        assert history.stored() == once

    holds()
