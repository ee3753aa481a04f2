from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from gtm_platform.settings import settings
from gtm_platform_tests.faults.fake_api import FIRST_DAY, KEY, nothing
from gtm_platform_tests.faults.reading import SourceReading, reading_of_a_shop


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
def reading(first_day: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[SourceReading]:
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
