"""A home that lived two days, its tables made by the embedded engine: what the other engines are held against."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from gtm_platform.demo.sandbox_process import SPEED
from gtm_platform.orchestration.instance import instance
from gtm_platform.sandbox.kit.limits import WINDOWS
from gtm_platform.sandbox.server import running
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import MARKET, execute, failure_of, let_go, midnight, move_in, turn_clocks, windows_of

PEOPLE, SEED = 120, 29
DAYS = [date(2026, 3, 1), date(2026, 3, 2)]


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home; who makes days of it again does so in a copy, or as the last."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, running(PEOPLE, SEED, midnight(DAYS[0])) as box:
        patch.setattr(WINDOWS, "times", SPEED)
        move_in(patch, home, box, midnight(DAYS[0]), MARKET)
        with instance() as dagster:
            for day in DAYS:
                turn_clocks(patch, box, midnight(day) + timedelta(days=1))
                for job, first, last in [*windows_of(day), ("daily_tables", str(day), str(day))]:
                    ran = execute(dagster, job, first, last)
                    assert ran.success, failure_of(ran)
            let_go()
    settings.cache_clear()
    return home
