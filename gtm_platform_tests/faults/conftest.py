from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from shutil import copytree

import pytest

from gtm_platform.settings import settings
from gtm_platform_tests.faults.backfills import backfill
from gtm_platform_tests.faults.lives import Life, live
from gtm_platform_tests.faults.reading import Reading, reading_of_a_shop
from gtm_platform_tests.faults.running import InTrouble, everything_failing
from gtm_platform_tests.faults.shop import FIRST_DAY, KEY, nothing

EARLY = (
    "in_trouble",
    "living",
    "short_backfill",
)  # what goes on in other processes, on the processor that most tests leave idle


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks what came of it comes last."""
    items.sort(key=lambda item: not _awaited(item).isdisjoint(EARLY))


def _awaited(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def _begun_early(request: pytest.FixtureRequest) -> None:
    awaited = set[str]().union(*map(_awaited, request.session.items))
    for each in EARLY:
        if each in awaited:
            request.getfixturevalue(each)


@pytest.fixture(scope="session")
def in_trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InTrouble]:
    with everything_failing(
        tmp_path_factory.mktemp("troubled"), tmp_path_factory.mktemp("told") / "told.json"
    ) as process:
        yield process


@pytest.fixture(scope="session")
def beside() -> Iterator[ProcessPoolExecutor]:
    """A process in which one thing after the other is done."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield process
        process.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def living(beside: ProcessPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> list[Future[Life]]:
    """A calm one and a stormy one."""
    homes = {name: tmp_path_factory.mktemp(name) for name in ("calm", "stormy")}
    return [beside.submit(live, home, stormy=name == "stormy") for name, home in homes.items()]


@pytest.fixture(scope="session")
def short_backfill(beside: ProcessPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Future[int]:
    return beside.submit(backfill, tmp_path_factory.mktemp("backfill"), 4, seconds=120)


@pytest.fixture(scope="session")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's first day, read without a fault."""
    home = tmp_path_factory.mktemp("first_day")
    with pytest.MonkeyPatch.context() as patched, reading_of_a_shop(home) as reading:
        patched.setenv("GTM_HOME", str(home))  # the engine, if this is what starts it, spills there
        settings.cache_clear()
        reading.gets_through(nothing)
        reading.ends()
    return home


@pytest.fixture
def reading(first_day: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Reading]:
    """The shop being read, and its first day in the lake, so that there is something to lose. The shop's key shows in
    no record of any logger, down to the most talkative."""
    caplog.set_level("DEBUG")
    copytree(first_day / "lake", tmp_path / "lake")
    with reading_of_a_shop(tmp_path) as reading:
        reading.shop.a_day_passes()
        assert reading.shop.today == FIRST_DAY
        yield reading
        reading.ends()
    assert not [record for record in caplog.get_records("call") if KEY in record.getMessage()]
