"""An empty lake for days of customers."""

from pathlib import Path

import pytest

from gtm_platform.lake.lake import Lake
from gtm_platform_tests.health.days import Days


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(Lake(tmp_path / "home" / "lake"))
