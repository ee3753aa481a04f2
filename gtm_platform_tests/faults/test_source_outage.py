"""Discovered sources down for days, by an outage or by its key: all others and every daily table go on, the
customers say whose data are old, and a check warns. Nothing here names a source."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from gtm_platform.ingest.source import Source
from gtm_platform.quality.customer_quality import FEEDS
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.conftest import VARIABLES
from gtm_platform_tests.e2e.home import (
    MARKET,
    Control,
    environment_of,
    execute,
    failure_of,
    frame,
    let_go,
    midnight,
    move_in,
    turn_clocks,
    windows_of,
)
from gtm_platform_tests.faults.quiet_worlds import nobody_waits

pytestmark = pytest.mark.soak

PEOPLE, SEED, FIRST = 30, 29, date(2026, 3, 1)
APART = timedelta(days=4)  # between two days that are lived: long enough for what was not read to be overdue
SOURCES = [source for source in SCHEDULED if source.required_env]  # others are read from files
WAYS = ("500s", "a wrong key")
Outage = tuple[Source, str]
OUTAGES: list[Outage] = [(source, WAYS[number % 2]) for number, source in enumerate(SOURCES)]
# Each case costs a whole day of the platform.
CASES = [
    pytest.param(OUTAGES[:3], id="three at once", marks=pytest.mark.long),
    *(pytest.param([outage], id=f"{outage[0].name}: {outage[1]}", marks=pytest.mark.long) for outage in OUTAGES),
]


class Home:
    """A home that was read well on its first day; on each further day something is down."""

    def __init__(self, patch: pytest.MonkeyPatch, home: Path, box: Sandbox, dagster: dg.DagsterInstance) -> None:
        self.patch, self.home, self.control, self.box, self.dagster = patch, home, Control(box.url), box, dagster
        self.day = FIRST

    def read(self, down: Collection[str] = ()) -> None:
        """Read every source for the day; only those that are down may fail."""
        turn_clocks(self.patch, self.box, midnight(self.day) + timedelta(days=1))
        for job, first, last in windows_of(self.day):
            ran = execute(self.dagster, job, first, last)
            assert ran.success == (job.removeprefix("sync_") not in down), failure_of(ran)

    def make(self) -> dg.ExecuteInProcessResult:
        """Make every daily table of the day."""
        tables = execute(self.dagster, "daily_tables", str(self.day))
        assert tables.success, failure_of(tables)
        return tables

    @contextmanager
    def down(self, outages: Sequence[Outage]) -> Iterator[None]:
        """Take sources down until the context ends."""
        with pytest.MonkeyPatch.context() as keys:
            for source, way in outages:
                if way == "500s":
                    self.control.go_wrong(source.name, "/", status=500)
                else:
                    keys.setenv(source.required_env[0], "wrong_0123456789abcdef")
            yield
        self.control.go_right()
        settings.cache_clear()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("outage")
    with pytest.MonkeyPatch.context() as patch:
        nobody_waits(patch)
        for variable in VARIABLES:
            patch.delenv(variable, raising=False)
        patch.setenv("GTM_FIRST_DAY", "2026-01-01")
        with (
            running(PEOPLE, SEED, midnight(FIRST), folder) as box,
            dg.DagsterInstance.ephemeral(tempdir=str(folder)) as dagster,
        ):
            move_in(patch, folder, box, midnight(FIRST))
            home = Home(patch, folder, box, dagster)
            home.read()
            yield home
            let_go()
    settings.cache_clear()


@pytest.mark.faults("S5", "S16", "T9")
@pytest.mark.parametrize("outages", CASES)
def test_sources_that_are_down_leave_all_else_working_and_are_named(home: Home, outages: Sequence[Outage]) -> None:
    down = {source.name for source, _ in outages}
    for name, value in environment_of(home.box, tuple(down)).items():  # a test begins with an empty environment
        home.patch.setenv(name, value)
    home.patch.setenv("GTM_HOME", str(home.home))
    if down & set(MARKET):  # off on the first day
        home.day += APART
        home.read()
    home.day += APART
    with home.down(outages):
        home.read(down)
        ran = home.make()
    synced = {
        feed.source: _newest(frame(home.home, "core/unified_customers", str(home.day)), feed.sync_column)
        for feed in FEEDS
    }
    today = pd.Timestamp(midnight(home.day))
    assert {name for name, at in synced.items() if at is not None and at < today} == down & synced.keys()
    (check,) = [each for each in ran.get_asset_check_evaluations() if each.check_name == "sources_are_fresh"]
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert [name for name in down if f"{name}/" not in str(check.metadata)] == []


def _newest(customers: pd.DataFrame, column: str) -> pd.Timestamp | None:
    values = customers[column].dropna()
    return max(map(pd.Timestamp, values)) if len(values) else None
