"""A backfill as so many runs, eight at a time, on one table: none waits for a lock, none fails, every day is right."""

import pytest

from gtm_platform.settings import settings
from gtm_platform_tests.faults.backfills import backfill


@pytest.mark.soak
@pytest.mark.faults("W5", "W6")
def test_a_short_backfill_of_a_run_a_day_ends_without_a_failure() -> None:
    assert backfill(settings().home, 2, seconds=120) > 1


@pytest.mark.long
@pytest.mark.faults("W5", "W6")
def test_four_hundred_runs_eight_at_a_time_end_without_a_failure() -> None:
    peak = backfill(settings().home, 400, seconds=5400)
    print(f"400 runs, up to {peak} of them at the same moment")
    assert peak > 1
