"""Every discovered source while it pages: records come, change and go with each call, or the pages never end.

Nothing here names a source: one that is added is tried without a line. A call of the source moves the sandbox's clock,
and with it the lives of its people.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from gtm_platform.http.errors import ApiFailure
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import Source, Stream
from gtm_platform.ingest.stream_sync import StreamSync
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.server import running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.conftest import VARIABLES
from gtm_platform_tests.e2e.home import Control
from gtm_platform_tests.faults.quiet_worlds import clients, nobody_waits, small_pages
from gtm_platform_tests.ingest.syncing import RULES

pytestmark = pytest.mark.soak

START = datetime(2026, 3, 2, tzinfo=UTC)
STEP = timedelta(hours=1)  # of the sandbox's time with each call
PEOPLE, SEED = 40, 29
SEEDS = {"crossbeam": 48, "partnerstack": 48}  # of a world with partners, of which there are few
MOST_CALLS = 400  # of a stream whose pages never end, with its details
SOURCES = [source for source in SCHEDULED if source.required_env]  # others are read from files


@dataclass
class Paged:
    """A source beside its sandbox, of which one window is read whole, in small pages."""

    control: Control
    source: Source
    patch: pytest.MonkeyPatch

    @property
    def window(self) -> PartitionWindow:
        return PartitionWindow(f"{START:%Y-%m-%dT%H%M}", START, START + timedelta(hours=self.source.hours))

    def sync(self, lake: Lake, stream: Stream) -> None:
        with self.source.open() as client:
            StreamSync(lake, self.source, stream, RULES, self.window.end, "run", True).report(client, [self.window])

    def ids(self, lake: Lake, stream: Stream) -> set[tuple[Any, ...]]:
        table = self.source.table(stream)
        rows = lake.as_of(table, "9999").select(*contract_of(table).key).to_pyarrow().to_pylist()
        return {tuple(row.values()) for row in rows}

    @contextmanager
    def time_goes_by(self) -> Iterator[list[datetime]]:
        """Let each call that waits its turn move the sandbox on."""
        moments = [datetime.fromisoformat(self.control.ask("clock")["now"])]
        control, turn = self.control, Lock()

        def moving(acquire: Any) -> Any:
            def then(limiter: Any) -> None:
                acquire(limiter)
                with turn:  # some sources call from several threads
                    moments.append(moments[-1] + STEP)
                    control.set_clock(moments[-1])

            return then

        with pytest.MonkeyPatch.context() as patch:
            for kind in {client.RateLimiter for client in clients() if hasattr(client, "RateLimiter")}:
                patch.setattr(kind, "acquire", moving(kind.acquire))
            yield moments


@pytest.fixture(params=SOURCES, ids=[source.name for source in SOURCES])
def paged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Paged]:
    source: Source = request.param
    with pytest.MonkeyPatch.context() as patch:
        nobody_waits(patch)
        small_pages(patch, 5)
        with running(PEOPLE, SEEDS.get(source.name, SEED), START) as box:
            now = START + timedelta(hours=source.hours, minutes=20)
            told = {**box.env, "GTM_HOME": str(tmp_path), "GTM_FIRST_DAY": "2026-01-01", "GTM_NOW": now.isoformat()}
            for variable in VARIABLES:
                patch.delenv(variable, raising=False)
            for name, value in told.items():
                patch.setenv(name, value)
            settings.cache_clear()
            control = Control(box.url)
            control.set_clock(now)
            yield Paged(control, source, patch)
    settings.cache_clear()


@pytest.mark.faults("P3")
def test_what_is_there_all_the_time_is_read_whatever_comes_and_goes(paged: Paged, tmp_path: Path) -> None:
    before, during, after = (Lake(tmp_path / name) for name in ("before", "during", "after"))
    compared = 0
    for stream in paged.source.streams:
        paged.sync(before, stream)
        with paged.time_goes_by() as moments:
            paged.sync(during, stream)
        paged.sync(after, stream)
        staying = paged.ids(before, stream) & paged.ids(after, stream)
        assert staying - paged.ids(during, stream) == set(), stream.name
        compared += len(staying) * (len(moments) > 1)
    assert compared > 0


@pytest.mark.faults("P2")
def test_pages_that_never_end_end_the_reading_and_what_was_known_stays(paged: Paged, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for stream in paged.source.streams:
        paged.sync(lake, stream)
    for stream in paged.source.streams:
        known = paged.ids(lake, stream)
        paged.control.forget_requests()
        # Not of a POST, whose body says which list it is: to answer another query's page is another fault.
        paged.control.go_wrong(paged.source.name, "/", cursor_loop=True, method="GET")
        with suppress(ApiFailure):  # a list that one page holds comes through
            paged.sync(lake, stream)
        paged.control.go_right()
        assert sum(paged.control.requests(paged.source.name).values()) < MOST_CALLS, stream.name
        assert paged.ids(lake, stream) == known, stream.name
        assert list(lake.root.glob("*/*/.*.parquet")) == []
        paged.sync(lake, stream)
        assert paged.ids(lake, stream) == known, stream.name
