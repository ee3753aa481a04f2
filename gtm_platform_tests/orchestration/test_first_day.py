"""From which day on there are partitions, and that it stays."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from gtm_platform.orchestration.first_day import first_day, record_first_day
from gtm_platform.settings import SettingsError, settings


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GTM_FIRST_DAY")
    move(monkeypatch, "2026-11-20T06:00:00")
    settings().home.mkdir()
    return settings().home


def move(monkeypatch: pytest.MonkeyPatch, now: str) -> None:
    monkeypatch.setenv("GTM_NOW", now)
    settings.cache_clear()


def test_before_the_first_sync_it_is_yesterday_and_after_it_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_day() == date(2026, 11, 19)
    record_first_day(first_day())
    move(monkeypatch, "2026-12-24T06:00:00")
    assert first_day() == date(2026, 11, 19)
    record_first_day(date(2026, 12, 23))
    assert first_day() == date(2026, 11, 19)
    assert (home / "first_day").read_text() == "2026-11-19\n"


def test_the_environment_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "first_day").write_text("2026-11-01\n")
    monkeypatch.setenv("GTM_FIRST_DAY", "2025-01-01")
    settings.cache_clear()
    assert first_day() == date(2025, 1, 1)
    monkeypatch.setenv("GTM_FIRST_DAY", "")
    settings.cache_clear()
    assert first_day() == date(2026, 11, 1)


def test_a_lake_without_it_begins_with_its_oldest_partition(home: Path) -> None:
    for name in ("core/profile/2026-05-02.1.part", "shop/albums/2026-05-01T0600.1.full", "shop/albums/.2026-04-01.1"):
        file = home / f"lake/{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert first_day() == date(2026, 5, 1)


def test_what_is_no_day_is_refused_and_what_is_being_written_waits(home: Path) -> None:
    (home / "first_day").write_text("")
    assert first_day() == date(2026, 11, 19)
    (home / "first_day").write_text("last spring")
    with pytest.raises(SettingsError, match="first_day holds no day such as 2026-01-31"):
        first_day()


@pytest.mark.usefixtures("home")
def test_windows_and_days_begin_with_it_and_the_newest_window_is_there_to_sync() -> None:
    asks = """
from gtm_platform.ingest.assets import windows
from gtm_platform.orchestration.graph_policy import DAYS
from gtm_platform.settings import settings
for parts in (DAYS, windows(24), windows(6)):
    keys = parts.get_partition_keys(settings().now())
    print(keys[0], keys[-1])
"""
    answer = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [
        "2026-11-19 2026-11-20",
        "2026-11-19 2026-11-20",
        "2026-11-19T0000 2026-11-20T0600",
    ]
