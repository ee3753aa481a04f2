"""One lake for all tests of reports: a whole week, a whole month and a whole quarter, each with the day before it."""

from datetime import date
from pathlib import Path

import pytest

from gtm_platform.lake.lake import Lake
from gtm_platform_tests.quality.test_odd_figures import write
from gtm_platform_tests.serving.world import settle

DAYS = [
    date(2025, 9, 30),
    date(2025, 12, 31),
    date(2026, 1, 31),
    date(2026, 2, 8),
    date(2026, 2, 12),
    date(2026, 2, 15),
]


@pytest.fixture(scope="session")
def report_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("reported")
    lake = Lake(home / "lake")
    settle(lake, DAYS)
    odd = {"subject": "stripe/charges", "metric": "records", "kind": "drop", "value": 90.0, "expected": 203.0}
    missing = {"subject": "stripe/charges", "metric": "records changed", "kind": "missing", "expected": 3.25}
    write(lake, "quality/anomalies", DAYS[-2], [{**odd, "since": DAYS[-2]}])
    write(lake, "quality/anomalies", DAYS[-1], [{**row, "since": DAYS[-2]} for row in (odd, missing)])
    return home


@pytest.fixture
def report_lake(report_home: Path) -> Lake:
    return Lake(report_home / "lake")
