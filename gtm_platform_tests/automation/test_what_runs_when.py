"""The page for whoever operates the platform lists what runs, and when: compared with what is defined."""

import re
from pathlib import Path

import dagster as dg

from gtm_platform.definitions import defs
from gtm_platform.ingest.source import Schedule
from gtm_platform.policy import policy
from gtm_platform.sources.assets import ON_DEMAND, SCHEDULED

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
CODE = re.compile(r"`([^`]+)`")
MOST_HOURS = 24  # of a window, which the page says of every source that it does not name


def rows_of(header: str) -> list[list[str]]:
    """The cells of the table below a first line, row by row."""
    section = PAGE.read_text().split("## What runs when")[1].split("\n## ")[0]
    table = section.split(f"| {header} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def schedules() -> dict[str, str]:
    """When each job runs that has a schedule."""
    return {each.job_name: str(each.cron_schedule) for each in defs.get_repository_def().schedule_defs}


def test_every_scheduled_job_stands_there_with_its_times() -> None:
    syncs = {f"sync_{source.name}" for source in SCHEDULED}
    pages = {CODE.findall(name)[0]: CODE.findall(times) for name, _, times in rows_of("job | what it does | when")}
    assert pages.pop("sync_<source>") == []
    assert {name: [times] for name, times in schedules().items() if name not in syncs} == pages
    assert syncs <= schedules().keys()


def test_the_windows_of_sources_are_those_of_the_page() -> None:
    (about,) = [cells[1] for cells in rows_of("job | what it does | when") if cells[0] == "`sync_<source>`"]
    shorter = {source.name: source.hours for source in SCHEDULED if source.hours != MOST_HOURS}
    assert {name: int(hours) for name, hours in re.findall(r"of `(\w+)` (\d+)", about)} == shorter
    assert f"every other {MOST_HOURS}" in about
    minutes = [source.trigger.minute for source in SCHEDULED if isinstance(source.trigger, Schedule)]
    assert all(0 < minute < 60 for minute in minutes), "each is read some minutes after its window has closed"


def test_every_sensor_stands_there_with_its_interval() -> None:
    pages = {
        name: interval
        for names, _, interval in rows_of("sensor | what it does | looks every")
        for name in CODE.findall(names)
    }
    sensors = defs.get_repository_def().sensor_defs
    assert {each.name: f"{each.minimum_interval_seconds} s" for each in sensors} == pages


def test_every_job_is_launched_by_a_schedule_or_by_a_person() -> None:
    pages = {CODE.findall(name)[0] for name, _ in rows_of("job | what it makes")}
    jobs = {name for name in defs.get_repository_def().job_names if not name.startswith("__")}
    assert "enrich_<source>" in pages
    assert jobs - schedules().keys() == pages - {"enrich_<source>"} | {f"enrich_{each.name}" for each in ON_DEMAND}


def test_all_are_on_from_the_start() -> None:
    repository = defs.get_repository_def()
    assert {each.default_status for each in repository.schedule_defs} == {dg.DefaultScheduleStatus.RUNNING}
    assert {each.default_status for each in repository.sensor_defs} == {dg.DefaultSensorStatus.RUNNING}


def test_the_waits_before_a_window_is_read_again_are_those_of_the_page() -> None:
    assert policy().automation.retry_after_minutes == [15, 60]
    assert "15 minutes after it failed, then an hour" in PAGE.read_text()
